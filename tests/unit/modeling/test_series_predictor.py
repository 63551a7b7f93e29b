from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from shared.modeling.bases import load_base
from shared.modeling.series.network import SeriesLM
from shared.modeling.series.predictor import SeriesPredictor
from shared.modeling.series.values import SeriesInput
from tests.modeling.samples import SMALL, beat


@pytest.fixture(scope="module")
def make(tiny_base: Path):
    base = load_base(tiny_base)
    torch.manual_seed(2)
    network = SeriesLM(base.decoder, SMALL).eval()

    def make(micro_batch: int = 4) -> SeriesPredictor:
        return SeriesPredictor(
            network=network, tokenizer=base.tokenizer, spec=SMALL, tokenizer_digest="t", micro_batch=micro_batch
        )

    return make


def _series(name: str, rows: int, channels: int = 1) -> SeriesInput:
    values = np.stack([beat(rows, seed=i + rows) for i in range(channels)], axis=1)
    return SeriesInput(id=name, channels=tuple(f"c{i}" for i in range(channels)), values=values)


def test_answers_come_in_the_order_of_the_inputs_with_scores_of_their_shape(make):
    inputs = [_series("long", 300, 2), _series("short", 5), _series("exact", 64, 3)]
    answers = make().predict(inputs)
    assert [answer.id for answer in answers] == ["long", "short", "exact"]
    assert [answer.scores.shape for answer in answers] == [(300, 2), (5, 1), (64, 3)]
    for answer in answers:
        assert answer.scores.dtype == np.float32
        assert ((answer.scores >= 0) & (answer.scores <= 1)).all()
        assert answer.text.endswith(".")


def test_no_input_no_answer(make):
    assert make().predict([]) == []


@pytest.mark.parametrize("micro_batch", [1, 3, 100])
def test_neither_company_nor_the_micro_batch_changes_an_answer(make, micro_batch: int):
    inputs = [_series("a", 300, 2), _series("b", 30)]
    [alone] = make(4).predict([inputs[0]])
    together = make(micro_batch).predict(inputs)[0]
    np.testing.assert_allclose(together.scores, alone.scores, atol=1e-5)


def test_channels_are_looked_at_one_by_one(make):
    both = _series("both", 100, 2)
    [together] = make().predict([both])
    for i, name in enumerate(both.channels):
        [single] = make().predict([SeriesInput(id="x", channels=(name,), values=both.values[:, [i]])])
        np.testing.assert_allclose(together.scores[:, i], single.scores[:, 0], atol=1e-5)


def test_segments_say_where_scores_reach_the_threshold(make):
    inputs = [_series("a", 400, 2)]
    [answer] = make().predict(inputs)
    for channel, scores in zip(inputs[0].channels, answer.scores.T, strict=True):
        inside = np.zeros(len(scores), dtype=bool)
        for segment in answer.segments:
            if segment.channel == channel:
                inside[segment.start_row : segment.end_row] = True
        assert inside[scores >= SMALL.threshold].all()
    confidences = [segment.confidence for segment in answer.segments]
    assert confidences == sorted(confidences, reverse=True)


def test_a_channel_without_values_scores_nothing(make):
    values = np.stack([np.full(100, np.nan), beat(100)], axis=1)
    [answer] = make().predict([SeriesInput(id="x", channels=("dead", "alive"), values=values)])
    assert not answer.scores[:, 0].any()
    assert answer.scores[:, 1].all()
    assert {segment.channel for segment in answer.segments} <= {"alive"}


def test_golden_inputs_are_the_same_every_time_and_answer_repeatably(make):
    predictor = make()
    assert predictor.golden_inputs() == predictor.golden_inputs()
    for given in predictor.golden_inputs():
        answer = predictor.golden_answer(given)
        assert predictor.differences(answer, predictor.golden_answer(given), tolerance=0.0) == []

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from shared.modeling.series.values import AnswerSegment, SeriesAnswer, SeriesInput
from svc_train.recipes.series_lm.data import Track
from svc_train.recipes.series_lm.evaluate import average_precision, evaluate


class ScriptedPredictor:
    """Answers each series with the scores written for it, and with one segment for each written one."""

    labels = ("drift", "spike")

    def __init__(self, scores, segments=()) -> None:
        self._scores = scores
        self._segments = segments

    def predict(self, inputs: Sequence[SeriesInput]) -> list[SeriesAnswer]:
        segments = tuple(
            AnswerSegment(start_row=start, end_row=end, channel="x", label=label, confidence=0.9)
            for start, end, label in self._segments
        )
        scores = np.array(self._scores, dtype=np.float32)[:, None]
        return [SeriesAnswer(id=series.id, segments=segments, scores=scores, text="") for series in inputs]


def _track(targets, values=None) -> Track:
    values = np.zeros(len(targets)) if values is None else np.array(values, dtype=float)
    return Track(series="s", channel="x", values=values, targets=np.array(targets, dtype=np.int16))


@pytest.mark.parametrize(
    ("truth", "scores", "wanted"),
    [
        ([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1], 1.0),
        ([0, 1, 0, 1], [0.9, 0.8, 0.2, 0.1], 0.5 * (1 / 2) + 0.5 * (2 / 4)),
        ([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1], 0.5 * 1 + 0.5 * (2 / 3)),
        ([1, 0, 0, 1], [0.5, 0.5, 0.5, 0.5], 0.5),
        ([0, 0, 0, 1], [0.9, 0.8, 0.7, 0.1], 0.25),
    ],
)
def test_average_precision_by_hand(truth, scores, wanted: float):
    found = average_precision(np.array(truth, dtype=bool), np.array(scores, dtype=np.float32))
    assert found == pytest.approx(wanted)


def test_average_precision_without_positives_is_no_number():
    assert math.isnan(average_precision(np.zeros(3, dtype=bool), np.ones(3, dtype=np.float32)))


def test_numbers_by_hand():
    #         0  1  2  3  4  5  6  7
    track = _track([0, 2, 2, 0, 0, 0, 1, 1])
    predictor = ScriptedPredictor([0.1, 0.9, 0.9, 0.6, 0.1, 0.8, 0.2, 0.2], [(1, 4, "spike"), (5, 6, "drift")])
    metrics = evaluate(predictor, [track])
    assert metrics == {
        "average_precision": pytest.approx(0.5 * 1 + 0.5 * (4 / 6)),
        "f1": pytest.approx(2 * 2 / (4 + 4)),
        "best_f1": pytest.approx(2 * (4 / 6) / (4 / 6 + 1)),
        "segment_recall": 0.5,
        "segment_precision": 0.5,
        "label_accuracy": 1.0,
    }


def test_rows_that_were_not_measured_do_not_count():
    with_hole = _track([0, 1, 1, 0], values=[0, 0, np.nan, 0])
    metrics = evaluate(ScriptedPredictor([0.1, 0.9, 0.0, 0.2]), [with_hole])
    assert metrics["average_precision"] == 1.0


def test_what_has_no_denominator_is_absent():
    assert evaluate(ScriptedPredictor([0.1]), []) == {}
    assert evaluate(ScriptedPredictor([0.1, 0.2]), [_track([0, 0])]) == {}
    found = evaluate(ScriptedPredictor([0.1, 0.9], [(1, 2, "spike")]), [_track([0, 0])])
    assert found == {"segment_precision": 0.0}
    missed = evaluate(ScriptedPredictor([0.1, 0.2]), [_track([0, 1])])
    assert missed["segment_recall"] == 0.0
    assert "segment_precision" not in missed

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from shared.modeling.bases import load_base
from shared.modeling.series.network import SeriesLM, WindowLogits
from svc_train.recipes.hyperparameters import resolved
from svc_train.recipes.series_lm.config import SeriesLMConfig, tiny
from svc_train.recipes.series_lm.loop import IGNORED, learning_rate, loss_of, make_batch, make_optimizer
from svc_train.recipes.series_lm.sampling import LabelledWindow
from tests.modeling.samples import SMALL


def test_the_rate_rises_then_falls_to_a_tenth():
    config = SeriesLMConfig(max_steps=100, warmup_steps=10, learning_rate=0.01)
    rates = [learning_rate(step, config) for step in range(1, 101)]
    assert rates[0] == pytest.approx(0.001)
    assert max(rates) == rates[9] == pytest.approx(0.01)
    assert rates[:10] == sorted(rates[:10])
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert rates[-1] == pytest.approx(0.001)


@pytest.mark.parametrize(("steps", "warmup"), [(1, 20), (2, 20), (5, 0), (1, 0)])
def test_short_runs_have_a_rate_at_every_step(steps: int, warmup: int):
    config = SeriesLMConfig(max_steps=steps, warmup_steps=warmup)
    assert all(0 < learning_rate(step, config) <= config.learning_rate for step in range(1, steps + 1))


def test_only_matrices_decay(tiny_base: Path):
    network = SeriesLM(load_base(tiny_base).decoder, SMALL)
    optimizer = make_optimizer(network, SeriesLMConfig(weight_decay=0.5))
    matrices, others = optimizer.param_groups
    assert (matrices["weight_decay"], others["weight_decay"]) == (0.5, 0.0)
    assert all(p.ndim > 1 for p in matrices["params"])
    assert all(p.ndim <= 1 for p in others["params"])
    assert len(matrices["params"]) + len(others["params"]) == len(list(network.parameters()))


def test_points_that_are_absent_or_missing_teach_nothing(tiny_base: Path):
    values = np.arange(20.0)
    values[3] = np.nan
    targets = np.array([0] * 10 + [2] * 10, dtype=np.int16)
    window = LabelledWindow(values=values, targets=targets)
    _, found = make_batch([window], SMALL, load_base(tiny_base).tokenizer)
    assert found[0, 3] == IGNORED
    assert (found[0, 20:] == IGNORED).all()
    assert found[0, :20].tolist() == [0, 0, 0, IGNORED, *[0] * 6, *[2] * 10]


def _logits(score, label=None) -> WindowLogits:
    score = torch.tensor([score], dtype=torch.float32)
    return WindowLogits(
        score_BT=score, label_BTL=torch.zeros((*score.shape, 0)) if label is None else torch.tensor([label])
    )


def test_the_loss_by_hand():
    config = SeriesLMConfig(**{**resolved(tiny()), "pos_weight": 3.0, "label_weight": 0.5})
    targets = torch.tensor([[0, 2, IGNORED]])
    plain = loss_of(_logits([0.0, 0.0, 99.0]), targets, config)
    assert plain.item() == pytest.approx((np.log(2) + 3 * np.log(2)) / 2)
    label = [[5.0, 5.0], [0.0, 1.0], [9.0, 0.0]]
    named = loss_of(_logits([0.0, 0.0, 99.0], label), targets, config)
    assert named.item() == pytest.approx(plain.item() + 0.5 * np.log(1 + np.exp(-1.0)))


def test_a_batch_without_labelled_points_still_has_a_loss():
    loss = loss_of(_logits([0.0, 0.0], [[1.0, 2.0]] * 2), torch.tensor([[0, 0]]), tiny())
    assert loss.item() == pytest.approx(np.log(2))

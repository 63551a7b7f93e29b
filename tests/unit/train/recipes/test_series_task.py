from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from shared.modeling.bases import load_base
from shared.modeling.series.network import WindowLogits
from svc_train.recipes.hyperparameters import resolved
from svc_train.recipes.series_lm.config import SeriesLMConfig, tiny
from svc_train.recipes.series_lm.sampling import LabelledWindow
from svc_train.recipes.series_lm.task import IGNORED, loss_of, make_batch
from tests.modeling.samples import SMALL


def test_points_that_are_absent_or_missing_teach_nothing(tiny_base: Path):
    values = np.arange(20.0)
    values[3] = np.nan
    targets = np.array([0] * 10 + [2] * 10, dtype=np.int16)
    window = LabelledWindow(values=values, targets=targets)
    batch = make_batch([window], SMALL, load_base(tiny_base).tokenizer)
    found = batch.targets_BT
    assert batch.weights == (19, 10)
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
    plain = loss_of(_logits([0.0, 0.0, 99.0]), targets, config, (2, 1))
    assert plain.item() == pytest.approx((np.log(2) + 3 * np.log(2)) / 2)
    label = [[5.0, 5.0], [0.0, 1.0], [9.0, 0.0]]
    named = loss_of(_logits([0.0, 0.0, 99.0], label), targets, config, (2, 1))
    assert named.item() == pytest.approx(plain.item() + 0.5 * np.log(1 + np.exp(-1.0)))


def test_a_batch_without_labelled_points_still_has_a_loss():
    loss = loss_of(_logits([0.0, 0.0], [[1.0, 2.0]] * 2), torch.tensor([[0, 0]]), tiny(), (2, 0))
    assert loss.item() == pytest.approx(np.log(2))


def test_two_batches_of_a_step_add_up_to_the_loss_of_both_together():
    config = SeriesLMConfig(**{**resolved(tiny()), "label_weight": 0.5})
    first, second = torch.tensor([[0, 2, IGNORED]]), torch.tensor([[1, 1, 2]])
    labels = [[5.0, 5.0], [0.0, 1.0], [9.0, 0.0]]
    scores = torch.tensor([[0.1, 0.2, 9.0], [1.0, -1.0, 2.0]])
    both = WindowLogits(score_BT=scores, label_BTL=torch.tensor([labels] * 2))
    totals = (5, 4)
    together = loss_of(both, torch.cat([first, second]), config, totals)
    apart = [
        loss_of(WindowLogits(score_BT=scores[i : i + 1], label_BTL=both.label_BTL[:1]), targets, config, totals)
        for i, targets in enumerate((first, second))
    ]
    assert sum(apart).item() == pytest.approx(together.item())

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import InvalidInputError
from svc_train.recipes.training.knobs import CommonConfig, decisive
from svc_train.recipes.training.schedule import learning_rate, total_steps


def _rates(total: int, **knobs: Any) -> list[float]:
    config = CommonConfig(**knobs)
    return [learning_rate(step, total, config) for step in range(1, total + 1)]


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_the_rate_rises_then_falls_to_a_tenth(schedule: str):
    rates = _rates(100, warmup_steps=10, learning_rate=0.01, schedule=schedule)
    assert rates[0] == pytest.approx(0.001)
    assert max(rates) == rates[9] == pytest.approx(0.01)
    assert rates[:10] == sorted(rates[:10])
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert rates[-1] == pytest.approx(0.001)


def test_a_linear_rate_is_half_way_down_half_way_through():
    assert _rates(101, warmup_steps=0, learning_rate=1.0, schedule="linear")[49] == pytest.approx(0.55, abs=0.01)


def test_a_constant_rate_stays_after_its_warm_up():
    assert _rates(4, warmup_steps=2, learning_rate=0.5, schedule="constant") == [0.25, 0.5, 0.5, 0.5]


@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant"])
@pytest.mark.parametrize(("steps", "warmup"), [(1, 20), (2, 20), (5, 0), (1, 0)])
def test_short_runs_have_a_rate_at_every_step(steps: int, warmup: int, schedule: str):
    rates = _rates(steps, warmup_steps=warmup, learning_rate=0.01, schedule=schedule)
    assert all(0 < rate <= 0.01 for rate in rates)


@pytest.mark.parametrize(
    ("knobs", "steps"),
    [
        ({"max_steps": 7, "num_epochs": 0.0}, 7),
        ({"num_epochs": 2.0, "batch_size": 3, "gradient_accumulation": 2}, 4),
        ({"num_epochs": 0.01}, 1),
        ({"max_steps": 2, "num_epochs": 3.0, "batch_size": 1}, 2),
        ({"max_steps": 1000, "num_epochs": 3.0, "batch_size": 1}, 30),
        ({"max_steps": 1000, "smoke": True}, 1),
    ],
)
def test_steps_are_counted_by_steps_or_epochs(knobs: dict[str, Any], steps: int):
    assert total_steps(CommonConfig(**knobs), epoch_size=10) == steps


@pytest.mark.parametrize(
    ("knobs", "reason"),
    [
        ({"num_epochs": 0.0}, "max_steps: 0, and num_epochs is 0 too"),
        ({"early_stopping_patience": 3}, "early_stopping_patience: 3 evaluations, but eval_steps is 0"),
    ],
)
def test_knobs_that_do_not_fit_together_are_refused(knobs: dict[str, Any], reason: str):
    with pytest.raises(InvalidInputError, match=reason):
        CommonConfig(**knobs)


def test_a_retry_may_cut_the_same_step_into_smaller_batches():
    whole = CommonConfig(batch_size=16)
    assert decisive(whole) == decisive(CommonConfig(batch_size=4, gradient_accumulation=4, keep_last=9))
    assert decisive(whole) != decisive(CommonConfig(batch_size=8))
    assert decisive(whole) != decisive(CommonConfig(batch_size=16, seed=1))

"""Training: repeatable to the last bit, and it learns."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from shared.errors import InvalidInputError
from shared.modeling.predictor import load_predictor
from shared.modeling.series.values import SeriesInput
from svc_train.recipes.base import Progress, TrainingJob
from svc_train.recipes.failure import TrainingFailedError
from svc_train.recipes.hyperparameters import resolved
from svc_train.recipes.series_lm import RECIPE
from svc_train.recipes.series_lm.config import tiny
from tests.modeling.jobs import spiked_job
from tests.modeling.samples import spiked

pytestmark = pytest.mark.heavy


def _losses(job: TrainingJob) -> list[float]:
    told: list[Progress] = []
    RECIPE.train(job, told.append)
    return [progress.loss for progress in told]


@pytest.mark.parametrize("method", ["full", "lora"])
def test_the_same_seed_gives_the_same_losses_to_the_last_bit(tmp_path: Path, tiny_base: Path, method: str):
    varied = {"flip_probability": 0.5, "noise": 0.05, "eval_steps": 2}
    hyperparameters = {**resolved(tiny()), **varied, "method": method}
    first = _losses(spiked_job(tmp_path / "1", base=tiny_base, **hyperparameters))
    second = _losses(spiked_job(tmp_path / "2", base=tiny_base, **hyperparameters))
    other = _losses(spiked_job(tmp_path / "3", base=tiny_base, **{**hyperparameters, "seed": 1}))
    assert first == second
    assert first != other


def test_evaluating_on_the_way_does_not_change_the_training(tmp_path: Path, tiny_base: Path):
    seldom = _losses(spiked_job(tmp_path / "1", base=tiny_base, **resolved(tiny())))
    often = _losses(spiked_job(tmp_path / "2", base=tiny_base, **{**resolved(tiny()), "eval_steps": 1}))
    assert seldom == often


@pytest.mark.parametrize("method", ["full", "lora"])
def test_it_learns_to_find_spikes_it_has_not_seen(tmp_path: Path, tiny_base: Path, method: str):
    job = spiked_job(
        tmp_path, base=tiny_base, **{**resolved(tiny()), "method": method, "max_steps": 60, "learning_rate": 0.002}
    )
    result = RECIPE.train(job, lambda _: None)
    assert result.metrics["average_precision"] > 0.8
    values, spikes = spiked(400, every=130, seed=9)
    predictor = load_predictor(job.bundle_dir, tiny_base)
    [answer] = predictor.predict([SeriesInput(id="new", channels=("pressure",), values=values[:, None])])
    tops = {int(np.argmax(answer.scores[start - 20 : end + 20, 0])) + start - 20 for start, end in spikes}
    assert all(any(start - 1 <= top <= end for start, end in spikes) for top in tops)


def test_a_loss_that_is_no_number_ends_the_run_with_a_remedy(tmp_path: Path, tiny_base: Path):
    poisoned = shutil.copytree(tiny_base, tmp_path / "poisoned")
    weights = load_file(poisoned / "model.safetensors")
    weights["model.norm.weight"] *= torch.nan
    save_file(weights, poisoned / "model.safetensors", metadata={"format": "pt"})
    job = spiked_job(tmp_path, base=poisoned, **resolved(tiny()))
    with pytest.raises(TrainingFailedError, match="loss is nan at step 1") as caught:
        RECIPE.train(job, lambda _: None)
    assert caught.value.cause == "nan_loss"
    assert "learning_rate" in caught.value.remedy
    assert not job.bundle_dir.exists()


def test_a_window_longer_than_the_base_can_read_is_refused(tmp_path: Path, tiny_base: Path):
    job = spiked_job(tmp_path, base=tiny_base, **{**resolved(tiny()), "window": 40_000})
    reason = "window: 40000 points, 5000 patches of 8, and 64 positions for the prompt are more than the base reads"
    with pytest.raises(InvalidInputError, match=reason):
        RECIPE.train(job, lambda _: None)


def test_wrong_hyperparameters_are_refused_before_anything_is_read(tmp_path: Path, tiny_base: Path):
    job = spiked_job(tmp_path, base=tmp_path / "no-base-here", max_step=3)
    with pytest.raises(InvalidInputError, match="did you mean 'max_steps'"):
        RECIPE.train(job, lambda _: None)

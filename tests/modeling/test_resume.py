"""A run that was killed goes on in another process, and ends with the bytes of one that was not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from svc_train.recipes.base import Checkpoint, Progress
from svc_train.recipes.hyperparameters import resolved
from svc_train.recipes.series_lm import RECIPE
from svc_train.recipes.series_lm.config import tiny
from tests.modeling.children import end, start, write_job
from tests.modeling.jobs import spiked_job

pytestmark = pytest.mark.heavy

STEPS = 24
RANDOM: dict[str, Any] = {
    **resolved(tiny()),
    "max_steps": STEPS,
    "batch_size": 2,
    "gradient_accumulation": 2,
    "dropout": 0.2,
    "lora_dropout": 0.2,
    "flip_probability": 0.5,
    "noise": 0.05,
    "eval_steps": 7,
    "checkpoint_steps": 1,
}
WEIGHTS = {"full": ("model.safetensors",), "lora": ("adapter.safetensors", "heads.safetensors")}


@pytest.mark.parametrize(("method", "killed_after"), [("full", 9), ("lora", 14)])
def test_a_killed_run_ends_with_the_bytes_of_an_uninterrupted_one(
    tmp_path: Path, tiny_base: Path, method: str, killed_after: int
):
    job = spiked_job(tmp_path / "whole", base=tiny_base, **{**RANDOM, "method": method})
    losses: dict[int, float] = {}

    def keep(happened: Progress | Checkpoint) -> None:
        if isinstance(happened, Progress):
            losses[happened.step] = happened.loss

    RECIPE.train(job, keep)
    killed = start(write_job(tmp_path, job, checkpoints=True))
    assert killed.stdout is not None
    while True:
        event = json.loads(killed.stdout.readline())
        if event["event"] == "checkpoint" and event["step"] >= killed_after:
            break
    killed.kill()
    killed.communicate()
    # The kill may have come in the middle of a later checkpoint: whole ones have this name.
    newest = max((tmp_path / "checkpoints").glob("step-*"))
    resumed = start(write_job(tmp_path, job, checkpoints=True, resume_from=newest))
    code, events, log = end(resumed)
    assert code == 0, log
    told = {event["step"]: event["loss"] for event in events if event["event"] == "progress"}
    assert STEPS in told
    assert min(told) == int(newest.name.removeprefix("step-")) + 1
    assert told == {step: losses[step] for step in told}
    for name in WEIGHTS[method]:
        whole = (job.bundle_dir / name).read_bytes()
        assert (tmp_path / "output" / "bundle" / name).read_bytes() == whole, name


@pytest.mark.parametrize("method", ["full", "lora"])
def test_the_same_step_in_smaller_batches_gives_the_same_losses(tmp_path: Path, tiny_base: Path, method: str):
    def losses(folder: Path, batch_size: int, accumulation: int) -> list[float]:
        told: list[float] = []
        cut = {"method": method, "batch_size": batch_size, "gradient_accumulation": accumulation}
        job = spiked_job(folder, base=tiny_base, **{**resolved(tiny()), **cut})
        RECIPE.train(job, lambda one: told.append(one.loss) if isinstance(one, Progress) else None)
        return told

    whole = losses(tmp_path / "1", 8, 1)
    assert losses(tmp_path / "2", 4, 2) == pytest.approx(whole, rel=1e-3)
    assert losses(tmp_path / "3", 3, 2) != pytest.approx(whole, rel=1e-3)


def test_a_smoke_run_makes_a_real_bundle(tmp_path: Path, tiny_base: Path):
    job = spiked_job(tmp_path, base=tiny_base, **{**resolved(tiny()), "max_steps": 200, "smoke": True})
    result = RECIPE.train(job, lambda _: None)
    assert result.total_steps == 1
    assert {"average_precision", "before_average_precision"} <= result.metrics.keys()
    assert (job.bundle_dir / "certificate.json").is_file()

"""A run that was killed goes on in another process, and ends with the bytes of one that was not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from svc_train.recipes.base import Progress
from svc_train.recipes.hyperparameters import resolved
from svc_train.recipes.series_lm import RECIPE
from svc_train.recipes.series_lm.config import tiny
from tests.modeling.children import end, start, write_job
from tests.modeling.jobs import spiked_job

pytestmark = pytest.mark.heavy

STEPS = 24
# Steps that evaluate are all told.
RANDOM: dict[str, Any] = {
    **resolved(tiny()),
    "max_steps": STEPS,
    "batch_size": 2,
    "gradient_accumulation": 2,
    "dropout": 0.2,
    "lora_dropout": 0.2,
    "flip_probability": 0.5,
    "noise": 0.05,
    "eval_steps": 1,
    "checkpoint_steps": 1,
}
WEIGHTS = {"full": ("model.safetensors",), "lora": ("adapter.safetensors", "heads.safetensors")}


def _losses(events: list[dict[str, Any]]) -> dict[int, float]:
    return {event["step"]: event["loss"] for event in events if event["event"] == "progress"}


@pytest.mark.parametrize(("method", "killed_after"), [("full", 9), ("lora", 14)])
def test_a_killed_run_ends_with_the_bytes_of_an_uninterrupted_one(
    tmp_path: Path, tiny_base: Path, method: str, killed_after: int
):
    job = spiked_job(tmp_path, base=tiny_base, **{**RANDOM, "method": method})
    (tmp_path / "whole").mkdir()
    code, events, log = end(start(write_job(tmp_path / "whole", job)))
    assert code == 0, log
    losses = _losses(events)
    assert list(losses) == list(range(1, STEPS + 1))
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
    first = int(newest.name.removeprefix("step-")) + 1
    assert _losses(events) == {step: losses[step] for step in range(first, STEPS + 1)}
    for name in WEIGHTS[method]:
        whole, pieced = (folder / "output" / "bundle" / name for folder in (tmp_path / "whole", tmp_path))
        assert whole.read_bytes() == pieced.read_bytes(), name


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

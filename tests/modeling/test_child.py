"""The training process as its parent sees it."""

from __future__ import annotations

import json
import re
import signal
import time
from pathlib import Path

import pytest

from shared.modeling.predictor import load_predictor
from svc_train.recipes.hyperparameters import resolved
from svc_train.recipes.series_lm.config import tiny
from tests.modeling.children import TIMEOUT_S, end, start, write_job
from tests.modeling.jobs import spiked_job

pytestmark = pytest.mark.heavy

LONG = {**resolved(tiny()), "max_steps": 100_000}


def test_a_run_from_job_to_bundle(tmp_path: Path, tiny_base: Path):
    # As the bus delivers them: JSON has doubles only.
    doubles = {name: float(v) if type(v) is int else v for name, v in resolved(tiny()).items()}
    folder = write_job(tmp_path, spiked_job(tmp_path, base=tiny_base, **doubles))
    code, events, log = end(start(folder))
    assert code == 0, log
    assert events[-1] == {"event": "completed"}
    told = events[:-1]
    assert {event["event"] for event in told} == {"progress"}
    assert told[0]["step"] == 1
    assert told[0]["tokens_per_s"] > 0
    assert told[0]["eta_s"] > 0
    last = [event for event in told if event["metrics"]][-1]
    assert last["step"] == last["total_steps"] == 6
    assert last["eta_s"] == 0
    result = json.loads((folder / "output" / "result.json").read_text())
    assert result["family"] == "series"
    assert result["total_steps"] == 6
    assert result["metrics"]["train_segments"] > 0
    assert result["peak_rss_bytes"] > 50e6
    assert result["wall_seconds"] > 0
    assert {"python", "torch", "transformers"} <= result["versions"].keys()
    load_predictor(folder / "output" / "bundle", None)
    assert "run r-1, attempt 2" in log


@pytest.mark.parametrize(
    ("recipe", "hyperparameters", "detail"),
    [
        ("series-ml", {}, "did you mean 'series-lm'"),
        ("series-lm", {"max_steps": -5.0}, "max_steps: -5 is too small: at least 0 steps"),
    ],
)
def test_a_job_that_cannot_work_fails_for_good(
    tmp_path: Path, tiny_base: Path, recipe: str, hyperparameters: dict[str, float], detail: str
):
    folder = write_job(tmp_path, spiked_job(tmp_path, base=tiny_base, **hyperparameters), recipe=recipe)
    code, [event], _ = end(start(folder))
    assert code == 1
    assert event["event"] == "failed"
    assert event["permanent"] is True
    assert event["cause"] == "invalid_input"
    assert event["remedy"]
    assert re.search(detail, event["detail"]), event["detail"]
    assert not (folder / "output" / "bundle").exists()


def test_a_folder_without_a_job_fails_for_good(tmp_path: Path):
    code, [event], log = end(start(tmp_path))
    assert code == 1
    assert (event["event"], event["permanent"]) == ("failed", True)
    assert "job.json" in event["detail"]
    assert "Traceback" in log


def test_sigterm_ends_it_at_once(tmp_path: Path, tiny_base: Path):
    child = start(write_job(tmp_path, spiked_job(tmp_path, base=tiny_base, **LONG)))
    assert child.stdout is not None
    assert json.loads(child.stdout.readline())["step"] == 1
    child.send_signal(signal.SIGTERM)
    sent = time.monotonic()
    child.communicate(timeout=TIMEOUT_S)
    assert child.returncode == 143
    assert time.monotonic() - sent < 2
    assert not (tmp_path / "output" / "bundle").exists()


def test_sigterm_before_the_first_step_ends_it_at_once(tmp_path: Path, tiny_base: Path):
    child = start(write_job(tmp_path, spiked_job(tmp_path, base=tiny_base, **LONG), checkpoints=True))
    assert child.stderr is not None
    assert "run r-1, attempt 2" in child.stderr.readline()
    child.send_signal(signal.SIGTERM)
    sent = time.monotonic()
    code, events, _ = end(child)
    assert (code, events) == (143, [])
    assert time.monotonic() - sent < 2


def test_sigterm_leaves_a_last_checkpoint_that_another_process_goes_on_from(tmp_path: Path, tiny_base: Path):
    job = spiked_job(tmp_path, base=tiny_base, **LONG)
    child = start(write_job(tmp_path, job, checkpoints=True))
    assert child.stdout is not None
    assert json.loads(child.stdout.readline())["step"] == 1
    child.send_signal(signal.SIGTERM)
    code, events, log = end(child)
    assert code == 143, log
    last = events[-1]
    assert last["event"] == "checkpoint"
    assert {name for name in last if name != "step"} == {"event", "metrics", "monitor"}
    name = f"step-{last['step']:08d}"
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == [name]
    child = start(write_job(tmp_path, job, resume_from=tmp_path / "checkpoints" / name))
    assert child.stdout is not None
    assert json.loads(child.stdout.readline())["step"] == last["step"] + 1
    child.kill()
    child.communicate()

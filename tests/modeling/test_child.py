"""The training process as its parent sees it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from shared.modeling.predictor import load_predictor
from svc_train.recipes.base import TrainingJob
from svc_train.recipes.hyperparameters import resolved
from svc_train.recipes.series_lm.config import tiny
from tests.modeling.jobs import spiked_job

pytestmark = pytest.mark.heavy

TIMEOUT_S = 60


def _write_job(folder: Path, job: TrainingJob, *, recipe: str = "series-lm") -> Path:
    source = job.series[0]
    body = {
        "run_id": "r-1",
        "attempt": 2,
        "recipe": recipe,
        "hyperparameters": dict(job.hyperparameters),
        "base": {"name": job.base.name, "digest": job.base.digest, "dir": str(job.base.folder)},
        "training_set": {"name": "pump-labels", "digest": "e" * 64, "dir": str(job.training_set.folder)},
        "series": [{"name": "pump", "digest": source.digest, "dir": str(source.folder), "meta": dict(source.meta)}],
        "output_dir": str(folder / "output"),
    }
    (folder / "job.json").write_text(json.dumps(body))
    return folder


def _start(folder: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "svc_train.child", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )


def _end(child: subprocess.Popen[str]) -> tuple[int, list[dict[str, Any]], str]:
    out, log = child.communicate(timeout=TIMEOUT_S)
    return child.returncode, [json.loads(line) for line in out.splitlines()], log


def test_a_run_from_job_to_bundle(tmp_path: Path, tiny_base: Path):
    # As the bus delivers them: JSON has doubles only.
    doubles = {name: float(v) if isinstance(v, int) else v for name, v in resolved(tiny()).items()}
    folder = _write_job(tmp_path, spiked_job(tmp_path, base=tiny_base, **doubles))
    code, events, log = _end(_start(folder))
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
        ("series-ml", {}, "there are: .*series-lm"),
        ("series-lm", {"max_steps": -5.0}, "max_steps: -5 is too small: at least 1 steps"),
    ],
)
def test_a_job_that_cannot_work_fails_for_good(
    tmp_path: Path, tiny_base: Path, recipe: str, hyperparameters: dict[str, float], detail: str
):
    folder = _write_job(tmp_path, spiked_job(tmp_path, base=tiny_base, **hyperparameters), recipe=recipe)
    code, [event], _ = _end(_start(folder))
    assert code == 1
    assert event["event"] == "failed"
    assert event["permanent"] is True
    assert event["cause"] == "invalid_input"
    assert event["remedy"]
    assert re.search(detail, event["detail"]), event["detail"]
    assert not (folder / "output" / "bundle").exists()


def test_a_folder_without_a_job_fails_for_good(tmp_path: Path):
    code, [event], log = _end(_start(tmp_path))
    assert code == 1
    assert (event["event"], event["permanent"]) == ("failed", True)
    assert "job.json" in event["detail"]
    assert "Traceback" in log


def test_sigterm_ends_it_at_once(tmp_path: Path, tiny_base: Path):
    long = {**resolved(tiny()), "max_steps": 100_000}
    child = _start(_write_job(tmp_path, spiked_job(tmp_path, base=tiny_base, **long)))
    assert child.stdout is not None
    assert json.loads(child.stdout.readline())["step"] == 1
    child.send_signal(signal.SIGTERM)
    sent = time.monotonic()
    child.communicate(timeout=TIMEOUT_S)
    assert child.returncode == -signal.SIGTERM
    assert time.monotonic() - sent < 2
    assert not (tmp_path / "output" / "bundle").exists()

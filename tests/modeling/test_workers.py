"""Two processes train one model: what is learnt does not depend on their number."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file

from svc_train.domain.failures import crash
from svc_train.recipes.hyperparameters import resolved
from svc_train.recipes.series_lm.config import tiny
from svc_train.use_cases.follow import TAIL_LINES
from tests.modeling.children import end, start, write_job
from tests.modeling.jobs import spiked_job

pytestmark = pytest.mark.heavy

TORCHRUN = ("torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m")
# 5 examples a step are 3 for one worker and 2 for the other; evaluating every step tells every step.
EVERY_STEP: dict[str, Any] = {**resolved(tiny()), "batch_size": 5, "eval_steps": 1, "learning_rate": 1e-3}


def losses(events: list[dict[str, Any]]) -> list[float]:
    """Of all steps, where each of them evaluates."""
    return [event["loss"] for event in events if event["event"] == "progress" and event["metrics"]]


def test_losses_of_one_and_of_two_workers_agree(tmp_path: Path, tiny_base: Path):
    job = spiked_job(tmp_path, base=tiny_base, **EVERY_STEP)
    (tmp_path / "2").mkdir()
    code, alone, log = end(start(write_job(tmp_path, job)))
    assert code == 0, log
    code, together, log = end(start(write_job(tmp_path / "2", job, checkpoints=True), launcher=TORCHRUN))
    assert code == 0, log
    assert together[-1] == {"event": "completed"}
    assert len(losses(alone)) == EVERY_STEP["max_steps"]
    assert losses(together) == pytest.approx(losses(alone), rel=1e-3)
    one, two = (load_file(folder / "output/bundle/model.safetensors") for folder in (tmp_path, tmp_path / "2"))
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, rtol=1e-2, atol=1e-3)


@pytest.fixture
def several(tmp_path: Path, tiny_base: Path) -> Iterator[tuple[Any, list[psutil.Process]]]:
    """A long training by two workers that has begun: torchrun, and its workers."""
    job = spiked_job(tmp_path, base=tiny_base, **{**EVERY_STEP, "max_steps": 100_000})
    launcher = start(write_job(tmp_path, job, checkpoints=True), launcher=TORCHRUN)
    assert launcher.stdout is not None
    launcher.stdout.readline()
    workers = psutil.Process(launcher.pid).children()
    yield launcher, workers
    launcher.kill()
    for worker in workers:
        with suppress(psutil.NoSuchProcess):
            worker.kill()
    if not launcher.stdout.closed:
        launcher.communicate()


def test_no_worker_outlives_torchrun(several):
    launcher, workers = several
    assert len(workers) == 2
    os.kill(launcher.pid, signal.SIGKILL)
    psutil.wait_procs(workers, timeout=10)
    assert not any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in workers)


def test_a_worker_that_is_killed_ends_the_others(several):
    launcher, workers = several
    workers[1].kill()
    code, events, log = end(launcher)
    assert code == 1
    assert not [event for event in events if event["event"] in ("failed", "completed")]
    failure = crash(code, log.splitlines()[-TAIL_LINES:]).failure
    assert failure.cause == "killed"
    assert any("exitcode" in line for line in failure.evidence)


def test_sigterm_leaves_a_checkpoint_by_the_first_worker(several, tmp_path: Path):
    launcher, _ = several
    launcher.send_signal(signal.SIGTERM)
    sent = time.monotonic()
    code, events, log = end(launcher)
    assert code != 0
    assert events[-1]["event"] == "checkpoint", log
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == [f"step-{events[-1]['step']:08d}"]
    assert time.monotonic() - sent < 15

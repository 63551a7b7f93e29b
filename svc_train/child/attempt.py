"""Train one attempt of a run, from `job.json` to `result.json`, and tell the parent how it goes."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path

from svc_train.child.events import Events
from svc_train.child.failures import tell
from svc_train.child.job import read_job
from svc_train.child.progress import ProgressReporter
from svc_train.child.result import write_result
from svc_train.child.termination import STOPPED
from svc_train.recipes.base import find_recipe
from svc_train.recipes.stopping import FollowerDoneError, LostWorkerError, StoppedTrainingError, StopRequest

log = logging.getLogger("svc_train.child")


def train_attempt(job_dir: Path, events: Events, stop: StopRequest) -> int:
    """Train; the process's exit code: 0 after `completed`, 1 after `failed`, 143 when it was asked to stop."""
    started = time.monotonic()
    try:
        job = read_job(job_dir)
        log.info("run %s, attempt %d: recipe %s", job.run_id, job.attempt, job.recipe)
        recipe = find_recipe(job.recipe)
        job.output_dir.mkdir(parents=True, exist_ok=True)
        with ProgressReporter(events) as report:
            result = recipe.train(replace(job.training, stop=stop), report)
        write_result(job.output_dir, family=recipe.family, result=result, wall_seconds=time.monotonic() - started)
    except StoppedTrainingError:
        log.info("stopped after %.1f s", time.monotonic() - started)
        return STOPPED
    except FollowerDoneError:
        return 0
    except LostWorkerError as error:
        log.error("ended: %s", error)  # noqa: TRY400
        return 1
    # Whatever happened, the parent is told of it; that is all this process can do about it.
    except Exception as error:
        told = tell(error)
        log.error("failed: %s", told.detail, exc_info=error)  # noqa: TRY400
        events.send("failed", **told.to_event())
        return 1
    log.info("completed after %.1f s: %s", time.monotonic() - started, dict(result.metrics))
    events.send("completed")
    return 0

"""Train one attempt of a run: `python -m svc_train.child JOB_DIR`.

Reads JOB_DIR/job.json, writes the bundle and result.json into the job's output folder, tells the parent of its
progress and its checkpoints by JSON lines on stdout, and logs to stderr. Exit code 0 after `completed`, 1 after
`failed`, 143 after SIGTERM: a training that can leave a checkpoint within seconds does so first.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from svc_train.child.events import EventStream, take_stdout
from svc_train.child.failures import diagnose
from svc_train.child.job import read_job
from svc_train.child.progress import ProgressReporter
from svc_train.child.result import write_result
from svc_train.child.termination import STOPPED, heed_termination
from svc_train.recipes.base import find_recipe
from svc_train.recipes.stopping import StoppedTrainingError, StopRequest

log = logging.getLogger("svc_train.child")


def main(job_dir: Path, events: EventStream, stop: StopRequest) -> int:
    """Train; the exit code."""
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
    # Whatever happened, the parent is told of it; that is all this process can do about it.
    except Exception as error:
        diagnosis = diagnose(error)
        log.error("failed: %s", diagnosis.detail, exc_info=error)  # noqa: TRY400
        events.send(
            "failed",
            permanent=diagnosis.permanent,
            cause=diagnosis.cause,
            remedy=diagnosis.remedy,
            detail=diagnosis.detail,
        )
        return 1
    log.info("completed after %.1f s: %s", time.monotonic() - started, dict(result.metrics))
    events.send("completed")
    return 0


if __name__ == "__main__":
    asked_to_stop = StopRequest()
    heed_termination(asked_to_stop)
    stream = take_stdout()
    # Everything is read from the job's folders: no library may ask the network for it.
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    code = main(Path(sys.argv[1]), stream, asked_to_stop)
    if code == STOPPED:
        # Taking the interpreter and torch apart may take longer than whoever waits for the end grants.
        os._exit(code)
    sys.exit(code)

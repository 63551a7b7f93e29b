"""Train one attempt of a run: `python -m svc_train.child JOB_DIR`.

Reads JOB_DIR/job.json, writes the bundle and result.json into the job's output folder, tells the parent of its
progress and its checkpoints by JSON lines on stdout, and logs to stderr. Exit code 0 after `completed`, 1 after
`failed`, 143 after SIGTERM: a training that can leave a checkpoint within seconds does so first.

torchrun may start several of it for one attempt: the first one does all that, the others only help it to train.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from svc_train.child.attempt import train_attempt
from svc_train.child.events import take_stdout
from svc_train.child.lifeline import end_with_parent, is_one_of_several
from svc_train.child.surroundings import prepare_process
from svc_train.child.termination import STOPPED, heed_termination
from svc_train.recipes.stopping import StopRequest


def main() -> int:
    """Train; the exit code."""
    if is_one_of_several():
        end_with_parent()
    stop = StopRequest()
    heed_termination(stop)
    events = take_stdout()
    prepare_process()
    return train_attempt(Path(sys.argv[1]), events, stop)


if __name__ == "__main__":
    code = main()
    if code == STOPPED:
        # Taking the interpreter and torch apart may take longer than whoever waits for the end grants.
        os._exit(code)
    sys.exit(code)

"""The command of LLaMA-Factory as a process: its log becomes ours, its progress file is read while it works."""

from __future__ import annotations

import json
import logging
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from svc_train.recipes.failure import TrainingFailedError

# It writes a line of JSON into this file of its output folder after each step.
PROGRESS_FILE = "trainer_log.jsonl"
LOOK_EVERY_S = 0.2
EVIDENCE_LINES = 10
LAST_LINES_S = 5.0

log = logging.getLogger(__name__)


def run(cli: str, config: Path, output: Path) -> Iterator[Mapping[str, Any]]:
    """Train, giving each line of its progress file as soon as it is there.

    Raises:
        TrainingFailedError: the command cannot be started, or it failed.
    """
    tail: deque[str] = deque(maxlen=EVIDENCE_LINES)
    process = _start(cli, config)
    assert process.stdout is not None
    reading = threading.Thread(target=_pass_on, args=(process.stdout, tail), daemon=True)
    reading.start()
    try:
        yield from _progress(process, output / PROGRESS_FILE)
        code = process.wait()
    finally:
        # Whoever stops listening, because a loss is no number any more, wants no more of it.
        process.kill()
        process.wait()
        # What it started itself may outlive it and hold its output open; it ends with this process.
        reading.join(LAST_LINES_S)
        if not reading.is_alive():
            process.stdout.close()
    if code != 0:
        raise TrainingFailedError(
            cause="llamafactory_failed",
            reason=f"llamafactory-cli ended with exit code {code}: {' | '.join(tail)}",
            remedy="See the end of the run's log; the same run with engine=upwell needs no other program.",
        )


def _start(cli: str, config: Path) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(  # noqa: S603 - the operator's own setting, no shell
            (cli, "train", str(config)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise TrainingFailedError(
            cause="llamafactory_missing",
            reason=f"The command of LLaMA-Factory cannot be started: {error.strerror}.",
            remedy="Let UPWELL_LLAMAFACTORY_CLI of svc_train name its llamafactory-cli, or use engine=upwell.",
        ) from error


def _pass_on(lines: IO[str], tail: deque[str]) -> None:
    for line in lines:
        text = line.rstrip()
        if text:
            tail.append(text)
            log.info("%s", text)


def _progress(process: subprocess.Popen[str], path: Path) -> Iterator[Mapping[str, Any]]:
    """The lines in order, until the process has ended and nothing is left."""
    read = 0
    while True:
        ended = process.poll() is not None
        data = path.read_bytes() if path.is_file() else b""
        whole = data.rfind(b"\n") + 1
        for line in data[read:whole].splitlines():
            yield json.loads(line)
        read = max(read, whole)
        if ended:
            return
        time.sleep(LOOK_EVERY_S)

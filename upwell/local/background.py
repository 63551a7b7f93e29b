"""Start, find and stop a stack that runs in the background."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from upwell.errors import StackError
from upwell.local.folder import DataFolder
from upwell.local.processes import dying_with_parent
from upwell.local.state import Phase, StackReport, living_state, start_ticks

SUPERVISOR = "supervisor"
# What the supervisor writes before the reason why it could not start.
LAST_WORD = "stack error: "
POLL_S = 0.1
START_LIMIT_S = 300.0
STOP_LIMIT_S = 90.0


def start_background(folder: DataFolder, *, with_parent: bool = False) -> StackReport:
    """Start a supervisor in a session of its own and return when the stack is ready.

    Args:
        folder: where it keeps everything.
        with_parent: stop the stack when this process ends, however it ends.

    Raises:
        StackError: it could not start; the message says why.
    """
    folder.make()
    command: tuple[str, ...] = (sys.executable, "-m", "upwell.local", str(folder.root))
    if with_parent:
        command = dying_with_parent(command, signal.SIGTERM)
    log = folder.log(SUPERVISOR)
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        return _ready(folder, process, log)
    except BaseException:
        process.terminate()
        process.wait()
        raise


def stop_background(folder: DataFolder) -> bool:
    """Stop the stack of a data folder and return when it has ended; False where none runs.

    Raises:
        StackError: it may not be stopped by this user.
    """
    report = living_state(folder)
    if report is None:
        return False
    _signal(report, signal.SIGTERM)
    if not _ended(report, STOP_LIMIT_S):
        # What it runs dies with it.
        _signal(report, signal.SIGKILL)
        _ended(report, STOP_LIMIT_S)
        folder.state.unlink(missing_ok=True)
    return True


def _ready(folder: DataFolder, process: subprocess.Popen[bytes], log: Path) -> StackReport:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StackError(_reason(log))
        report = living_state(folder)
        if report is not None and report.pid == process.pid and report.phase == Phase.READY:
            return report
        time.sleep(POLL_S)
    raise StackError(f"The stack was not ready within {START_LIMIT_S:.0f} s: see {log}.")


def _reason(log: Path) -> str:
    """The supervisor's last word."""
    _, marker, reason = log.read_text(encoding="utf-8", errors="replace").rpartition(LAST_WORD)
    return reason.strip() if marker else f"The stack ended at its start: see {log}."


def _signal(report: StackReport, number: signal.Signals) -> None:
    try:
        with suppress(ProcessLookupError):
            os.kill(report.pid, number)
    except PermissionError as error:
        raise StackError(f"Process {report.pid}, the stack's supervisor, belongs to another user.") from error


def _ended(report: StackReport, limit_s: float) -> bool:
    deadline = time.monotonic() + limit_s
    while start_ticks(report.pid) == report.started_ticks:
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True

"""What the supervisor runs now, in a file that `upwell status` and `upwell down` read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from upwell.local.folder import DataFolder, write_private


class Phase(StrEnum):
    """Where the stack as a whole stands."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessReport:
    """One process: `pid` is 0 while it does not run."""

    name: str
    state: str
    pid: int
    port: int
    restarts: int
    log: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StackReport:
    """The stack: `started_ticks` tells its supervisor from a later process with the same pid."""

    pid: int
    started_ticks: int
    phase: str
    error: str
    processes: Sequence[ProcessReport]


def write_state(folder: DataFolder, report: StackReport) -> None:
    """Replace what the file says."""
    write_private(folder.state, asdict(report))


def read_state(folder: DataFolder) -> StackReport | None:
    """What the last supervisor said, whether it still lives or not; None where it ended in order."""
    try:
        value = json.loads(folder.state.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    value["processes"] = [ProcessReport(**entry) for entry in value["processes"]]
    return StackReport(**value)


def living_state(folder: DataFolder) -> StackReport | None:
    """What the supervisor says, if it lives."""
    report = read_state(folder)
    if report is None or start_ticks(report.pid) != report.started_ticks:
        return None
    return report


def start_ticks(pid: int) -> int:
    """When the process began, in clock ticks since the machine did; 0 when there is none (or only its remains)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return 0
    # The second field is the program's name in brackets and may hold anything, brackets included.
    state, *fields = text.rpartition(")")[2].split()
    return 0 if state in {"Z", "X"} else int(fields[18])

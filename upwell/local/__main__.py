"""The supervisor as a program of its own: `python -m upwell.local DATA`."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from upwell.errors import StackError
from upwell.local.background import LAST_WORD
from upwell.local.folder import DataFolder
from upwell.local.state import StackReport
from upwell.local.supervisor import run_stack


def main() -> int:
    """Run until stopped; the exit code is 1 when the stack could not start, with the reason as its last word."""
    folder = DataFolder.at(Path(sys.argv[1]))
    try:
        asyncio.run(run_stack(folder, listener=_log))
    except StackError as error:
        print(f"{LAST_WORD}{error}", flush=True)  # noqa: T201
        return 1
    return 0


def _log(report: StackReport) -> None:
    states = " ".join(f"{process.name}={process.state}" for process in report.processes)
    print(f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {report.phase} {states}", flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())

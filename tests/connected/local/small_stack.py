"""A stack with the real servers and one stand-in for the services: `python small_stack.py DATA`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from upwell.errors import StackError
from upwell.events import REGISTRY
from upwell.local import stack
from upwell.local.folder import DataFolder
from upwell.local.processes import ProcessSpec
from upwell.local.readiness import http_answers
from upwell.local.record import Record
from upwell.local.supervisor import run_stack


def small(folder: DataFolder, record: Record) -> tuple[stack.Stage, ...]:
    port = record.ports[REGISTRY]
    stand_in = ProcessSpec(
        name=REGISTRY,
        command=(sys.executable, str(Path(__file__).with_name("stand_in.py")), str(port), "0", "child"),
        environment={"PATH": os.environ["PATH"]},
        log=folder.log(REGISTRY),
        port=port,
        probe=http_answers(port, "/"),
    )
    return (stack.stages(folder, record)[0], stack.Stage(processes=[stand_in]))


def main() -> int:
    try:
        asyncio.run(run_stack(DataFolder.at(Path(sys.argv[1])), listener=lambda report: None, plan=small))
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


sys.exit(main())

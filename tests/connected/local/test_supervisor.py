"""The supervisor with stand-ins for the services: order, restarts, ends of every kind."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Self

import psutil
import pytest

from upwell.errors import StackError
from upwell.local.ports import choose_ports
from upwell.local.processes import LOG_LIMIT_BYTES, ProcessSpec, rotate
from upwell.local.readiness import http_answers
from upwell.local.stack import Stage
from upwell.local.state import StackReport
from upwell.local.supervisor import Supervisor

pytestmark = pytest.mark.connected
STAND_IN = str(Path(__file__).with_name("stand_in.py"))


def spec(folder: Path, name: str, *, slow_s: float = 0.0, child: bool = False, **changes) -> ProcessSpec:
    port = choose_ports([name], {})[name]
    values = {
        "name": name,
        "command": (sys.executable, STAND_IN, str(port), str(slow_s), "child" if child else "alone"),
        "environment": {"PATH": os.environ["PATH"]},
        "log": folder / f"{name}.log",
        "port": port,
        "probe": http_answers(port, "/"),
        "ready_within_s": 10.0,
        "drain_s": 5.0,
    }
    return ProcessSpec(**{**values, **changes})


class Watched:
    """A supervisor and all that it reported."""

    def __init__(self, *stages: Stage) -> None:
        self.reports: list[StackReport] = []
        self.supervisor = Supervisor(stages, listener=self.reports.append)

    async def __aenter__(self) -> Self:
        self.task = asyncio.create_task(self.supervisor.run())
        await self.until(lambda: self.last.phase == "ready" or self.task.done())
        return self

    async def __aexit__(self, *_) -> None:
        self.supervisor.stop()
        await asyncio.wait({self.task})

    @property
    def last(self) -> StackReport:
        return self.supervisor.report()

    def process(self, name: str):
        return next(process for process in self.last.processes if process.name == name)

    async def until(self, condition, within_s: float = 10.0) -> None:
        async with asyncio.timeout(within_s):
            while not condition():
                await asyncio.sleep(0.02)


async def test_stages_start_in_order_and_stop_in_the_opposite_order(tmp_path):
    done = []

    async def then():
        done.append("bootstrap")

    first, second = spec(tmp_path, "first"), spec(tmp_path, "second", slow_s=0.2)
    async with Watched(Stage(processes=[first], then=then), Stage(processes=[second])) as watched:
        assert done == ["bootstrap"]
    states = [{p.name: str(p.state) for p in report.processes} for report in watched.reports]
    assert all(state["first"] == "ready" for state in states if state["second"] == "starting")
    assert all(state["second"] == "stopped" for state in states if state["first"] == "stopped")
    assert second.log.read_text() == "begun\ndrained\n"


async def test_what_dies_is_started_again_with_its_children_gone(tmp_path):
    async with Watched(Stage(processes=[spec(tmp_path, "one", child=True)])) as watched:
        old = psutil.Process(watched.process("one").pid)
        children = old.children()
        old.kill()
        await watched.until(lambda: watched.process("one").restarts == 1 and watched.process("one").state == "ready")
        assert watched.process("one").pid != old.pid
        assert len(children) == 1
        assert not any(alive(child.pid) for child in children)


async def test_what_ends_at_its_start_fails_the_start_with_its_last_lines(tmp_path):
    broken = spec(tmp_path, "broken", command=(sys.executable, "-c", "raise SystemExit('no such base')"))
    other = spec(tmp_path, "other")
    watched = Watched(Stage(processes=[other, broken]))
    with pytest.raises(StackError, match=r"broken ended at its start \(exit code 1\)") as caught:
        await watched.supervisor.run()
    assert "no such base" in str(caught.value)
    assert watched.last.phase == "failed"
    assert watched.process("other").pid == 0


async def test_what_never_answers_fails_the_start(tmp_path):
    silent = spec(tmp_path, "silent", command=("sleep", "100"), ready_within_s=0.3)
    watched = Watched(Stage(processes=[silent]))
    with pytest.raises(StackError, match="silent did not answer within"):
        await watched.supervisor.run()
    assert watched.process("silent").pid == 0


async def test_a_program_that_is_missing_fails_the_start(tmp_path):
    missing = spec(tmp_path, "missing", command=("/nowhere/program",))
    with pytest.raises(StackError, match="missing ended at its start"):
        await Watched(Stage(processes=[missing])).supervisor.run()


async def test_what_does_not_drain_in_time_is_killed(tmp_path):
    stubborn = spec(tmp_path, "stubborn", command=(sys.executable, STAND_IN, "0", "60", "alone"), drain_s=0.3)
    async with Watched(Stage(processes=[with_open_probe(stubborn)])) as watched:
        pid = watched.process("stubborn").pid
        await asyncio.sleep(0.3)
    assert not alive(pid)


async def test_a_second_request_to_stop_does_not_wait(tmp_path):
    slow = spec(tmp_path, "slow", command=(sys.executable, STAND_IN, "0", "60", "alone"), drain_s=60.0)
    async with Watched(Stage(processes=[with_open_probe(slow)])) as watched:
        await asyncio.sleep(0.3)
        watched.supervisor.stop()
        await asyncio.sleep(0.1)
        began = time.monotonic()
        watched.supervisor.stop()
        await asyncio.wait({watched.task}, timeout=5)
    assert time.monotonic() - began < 3


async def test_a_stop_during_the_start_is_obeyed(tmp_path):
    silent = spec(tmp_path, "silent", command=("sleep", "100"), ready_within_s=60.0)
    watched = Watched(Stage(processes=[silent]))
    task = asyncio.create_task(watched.supervisor.run())
    await watched.until(lambda: watched.process("silent").pid > 0)
    pid = watched.process("silent").pid
    watched.supervisor.stop()
    await asyncio.wait_for(task, 5)
    assert not alive(pid)


def test_a_log_that_has_grown_is_put_aside_at_the_next_start(tmp_path):
    log = tmp_path / "one.log"
    log.write_bytes(b"x" * (LOG_LIMIT_BYTES + 1))
    rotate(log)
    assert not log.exists()
    assert (tmp_path / "one.log.1").stat().st_size == LOG_LIMIT_BYTES + 1


def with_open_probe(original: ProcessSpec) -> ProcessSpec:
    async def begun() -> bool:
        return original.log.exists() and "begun" in original.log.read_text()

    fields = {name: getattr(original, name) for name in ProcessSpec.__dataclass_fields__}
    return ProcessSpec(**{**fields, "probe": begun})


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False

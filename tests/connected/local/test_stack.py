"""A whole stack as a process of its own: one at a time, restarts on the same ports, and nothing outlives it."""

from __future__ import annotations

import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from upwell.local.background import stop_background
from upwell.local.folder import DataFolder
from upwell.local.ports import HOST
from upwell.local.record import load_record
from upwell.local.state import StackReport, living_state

pytestmark = pytest.mark.connected
SMALL_STACK = str(Path(__file__).with_name("small_stack.py"))


class Stack:
    """A small stack in a process of its own."""

    def __init__(self, root: Path) -> None:
        self.folder = DataFolder.at(root)
        self.process = subprocess.Popen([sys.executable, SMALL_STACK, str(root)], stderr=subprocess.PIPE, text=True)

    def ready(self) -> StackReport:
        return wait_for(lambda: (report := living_state(self.folder)) and report.phase == "ready" and report)

    def ended(self) -> tuple[int, str]:
        _, errors = self.process.communicate(timeout=20)
        return self.process.returncode, errors

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@pytest.fixture
def start(tmp_path):
    stacks: list[Stack] = []

    def begin(root: Path = tmp_path / "data") -> Stack:
        stacks.append(Stack(root))
        return stacks[-1]

    yield begin
    for stack in stacks:
        if stack.process.poll() is None:
            stack.process.kill()
        stack.process.communicate()


def test_it_starts_again_with_the_same_ports_and_secrets(start):
    first = start()
    first.ready()
    record = load_record(first.folder)
    assert stat.S_IMODE(first.folder.record.stat().st_mode) == 0o600
    assert stat.S_IMODE(first.folder.root.stat().st_mode) == 0o700
    first.process.send_signal(signal.SIGINT)
    assert first.ended() == (0, "")
    assert not first.folder.state.exists()
    second = start()
    second.ready()
    assert load_record(second.folder) == record
    assert stop_background(second.folder)
    assert second.ended() == (0, "")
    assert not stop_background(second.folder)


def test_another_port_is_taken_where_the_old_one_is_not_free(start):
    first = start()
    first.ready()
    port = load_record(first.folder).ports["nats"]
    first.process.terminate()
    first.ended()
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind((HOST, port))
        squatter.listen()
        second = start()
        second.ready()
        assert load_record(second.folder).ports["nats"] != port


def test_a_second_one_on_the_same_folder_says_who_runs(start):
    first = start()
    first.ready()
    code, errors = start().ended()
    assert code == 1
    assert errors.count("\n") == 1
    assert f"already runs on {first.folder.root} (process {first.process.pid})" in errors
    assert living_state(first.folder).phase == "ready"


def test_nothing_outlives_a_supervisor_that_is_killed(start):
    stack = start()
    stack.ready()
    # By name as they stand now: who is gone has none any more.
    family = {process: process.name() for process in stack.family()}
    assert {"nats-server", "weed"} <= set(family.values())
    stack.process.kill()
    stack.process.wait()
    # The stand-in's own child is the stand-in's to answer for, as svc_train's is svc_train's.
    ours = [process for process, name in family.items() if name != "sleep"]
    wait_for(lambda: not any(is_alive(process) for process in ours))
    assert living_state(stack.folder) is None
    for process in family:
        if is_alive(process):
            process.kill()
    start().ready()


def test_a_server_that_is_killed_comes_back(start):
    stack = start()
    before = {process.name: process.pid for process in stack.ready().processes}
    for pid in before.values():
        psutil.Process(pid).kill()
    after = wait_for(
        lambda: (
            (report := living_state(stack.folder))
            and all(each.state == "ready" and each.restarts == 1 for each in report.processes)
            and report
        )
    )
    assert all(process.pid != before[process.name] for process in after.processes)


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for(condition, within_s: float = 20.0):
    limit = time.monotonic() + within_s
    while time.monotonic() < limit:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")

from __future__ import annotations

import os
import subprocess

import pytest

from upwell.local.folder import DataFolder
from upwell.local.state import ProcessReport, StackReport, living_state, read_state, start_ticks, write_state


@pytest.fixture
def folder(tmp_path):
    return DataFolder.at(tmp_path)


def report(pid: int, ticks: int) -> StackReport:
    process = ProcessReport(name="nats", state="ready", pid=7, port=4222, restarts=0, log="/x")
    return StackReport(pid=pid, started_ticks=ticks, phase="ready", error="", processes=[process])


def test_a_report_comes_back_as_it_was(folder):
    written = report(os.getpid(), start_ticks(os.getpid()))
    write_state(folder, written)
    assert read_state(folder) == living_state(folder) == written


def test_another_process_with_the_same_number_is_not_the_supervisor(folder):
    write_state(folder, report(os.getpid(), start_ticks(os.getpid()) - 1))
    assert living_state(folder) is None


def test_no_file_is_no_stack(folder):
    assert read_state(folder) is None
    assert living_state(folder) is None


def test_a_process_that_has_ended_has_no_start():
    with subprocess.Popen(["sleep", "100"]) as process:
        assert start_ticks(process.pid) > 0
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        # Ended, and not yet waited for.
        assert start_ticks(process.pid) == 0
    assert start_ticks(process.pid) == 0

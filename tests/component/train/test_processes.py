"""Real processes: what they say, how they end, and that nothing outlives the service."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from svc_train.adapters.oom import oom_kills
from svc_train.adapters.processes import Process, ProcessLauncher, model_environment
from tests.support.servers import wait_until


@pytest.fixture
def python() -> Iterator[Callable[[str], Process]]:
    """Starts processes that end with the test."""
    started: list[Process] = []

    def start(code: str) -> Process:
        started.append(Process((sys.executable, "-c", code), environment=os.environ))
        return started[-1]

    yield start
    for process in started:
        process.stop()


def all_of(process: Process) -> list[tuple[str, bool]]:
    lines = []
    while not process.ended:
        lines += [(line.text, line.is_output) for line in process.read(0.2)]
    return lines


def test_output_and_log_are_told_apart_and_the_exit_code_is_kept(python):
    process = python("import sys; print('an event'); print('ein Lög', file=sys.stderr); sys.exit(3)")
    assert sorted(all_of(process)) == [("an event", True), ("ein Lög", False)]
    assert process.exit_code() == 3


def test_bytes_that_are_no_text_and_lines_without_end_are_read_in_pieces(python):
    process = python("import sys; sys.stdout.buffer.write(b'\\xff' + b'x' * 200_000)")
    lines = all_of(process)
    assert sum(len(text) for text, _ in lines) == 200_001
    assert len(lines) == 4
    assert process.exit_code() == 0


def test_a_process_that_does_not_want_to_end_is_killed_with_its_children(python):
    process = python(
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)"
    )
    lines = wait_until(lambda: process.read(0.1), 10)
    grandchild = psutil.Process(int(lines[0].text))
    process.stop()
    assert process.exit_code() == -signal.SIGKILL
    wait_until(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE, 5)
    process.stop()


def test_a_child_left_behind_does_not_keep_the_attempt_waiting(python):
    process = python("import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])")
    started = time.monotonic()
    all_of(process)
    assert time.monotonic() - started < 20
    assert process.exit_code() == 0


def test_a_flood_of_lines_is_read_without_loss(python):
    process = python("for n in range(30_000): print(n)")
    assert [int(text) for text, _ in all_of(process)] == list(range(30_000))


def test_a_flood_does_not_keep_a_process_from_being_stopped(python):
    process = python("while True: print('x')")
    wait_until(lambda: process.read(0.1), 10)
    process.stop()
    assert process.ended
    assert process.exit_code() == -signal.SIGTERM


SERVICE = """
import os, sys, time
from svc_train.adapters.processes import Process
child = Process((sys.executable, "-uc", "import os, time; print(os.getpid()); time.sleep(60)"), environment=os.environ)
while not (lines := child.read(0.1)):
    pass
print(lines[0].text, flush=True)
time.sleep(60)
"""


def test_a_process_dies_with_the_service():
    with subprocess.Popen([sys.executable, "-c", SERVICE], stdout=subprocess.PIPE) as service:
        assert service.stdout is not None
        child = psutil.Process(int(service.stdout.readline()))
        service.kill()
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, 5)


def test_a_launcher_names_the_folder_and_keeps_the_services_secrets(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("UPWELL_S3_SECRET_KEY", "secret")
    environment = model_environment(threads=3)
    code = "import os, sys; print(sys.argv[1]); print(os.environ['OMP_NUM_THREADS'], 'UPWELL' in str(os.environ))"
    process = ProcessLauncher((sys.executable, "-c", code), environment=environment).launch(tmp_path)
    assert [text for text, _ in all_of(process)] == [str(tmp_path), "3 False"]
    assert process.exit_code() == 0
    assert "OMP_NUM_THREADS" not in model_environment(threads=0) or "OMP_NUM_THREADS" in os.environ


def test_the_kernel_speaks_for_a_process_that_it_killed_for_want_of_memory():
    kills = iter([3, 4])
    code = "import os, signal; print('working', flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    process = Process((sys.executable, "-c", code), environment=os.environ, count_oom_kills=lambda: next(kills))
    assert all_of(process) == [("working", True), ("kernel: out of memory: 1 killed (oom_kill 4)", False)]
    assert process.exit_code() == -signal.SIGKILL


def test_the_kernel_speaks_also_where_it_killed_what_the_process_had_started():
    kills = iter([3, 4])
    code = "raise SystemExit(1)"
    process = Process((sys.executable, "-c", code), environment=os.environ, count_oom_kills=lambda: next(kills))
    assert all_of(process) == [("kernel: out of memory: 1 killed (oom_kill 4)", False)]


def test_what_a_process_says_while_it_is_stopped_is_not_lost(python):
    code = """
import signal, sys, time
def end(*_):
    print("the last word", flush=True)
    sys.exit(3)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(60)
"""
    process = python(code)
    while not process.read(0.1):
        pass
    assert [line.text for line in process.stop()] == ["the last word"]
    assert process.stop() == []


def test_a_process_that_somebody_killed_leaves_no_such_word(python):
    process = python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert all_of(process) == []


def test_kills_are_counted_where_the_kernel_counts_them(tmp_path: Path):
    assert oom_kills([tmp_path / "nowhere"]) == 0
    (tmp_path / "events").write_text("low 0\noom 2\noom_kill 7\noom_group_kill 0\n")
    assert oom_kills([tmp_path / "nowhere", tmp_path / "events"]) == 7
    assert oom_kills() >= 0


def test_a_crash_in_foreign_code_leaves_the_lines_that_led_to_it():
    code = "def inner():\n    import ctypes\n    ctypes.string_at(0)\ninner()"
    process = Process((sys.executable, "-c", code), environment=model_environment(threads=1))
    log = [text for text, _ in all_of(process)]
    assert process.exit_code() == -signal.SIGSEGV
    assert "Fatal Python error: Segmentation fault" in log
    assert any("in inner" in line for line in log)

"""Processes that work for an attempt: read line by line, ended as a group, gone when the service is gone."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from svc_train.adapters import launch
from svc_train.adapters.oom import oom_kills
from svc_train.ports import Line

LLAMAFACTORY_CLI = "UPWELL_LLAMAFACTORY_CLI"
# A training that is told to end leaves a last checkpoint first, within 4 s.
GRACE_S = 5.0
QUEUED_LINES = 10_000
LONGEST_LINE_BYTES = 64 * 1024
# Idle threads must not spin on the cores that others need, and nothing is fetched from outside.
MODEL_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    # A crash in C++ code leaves the Python lines that led to it in the log.
    "PYTHONFAULTHANDLER": "1",
    "PYTHONUNBUFFERED": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


def model_environment(*, threads: int, llamafactory_cli: str = "") -> dict[str, str]:
    """This process's environment without its secrets: who trains needs neither bus nor database nor object store.

    Args:
        threads: CPU threads of numerical libraries; 0 lets them take every core.
        llamafactory_cli: the command that trains where a run asks for it; empty where there is none.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("UPWELL_")}
    limits = {name: str(threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")} if threads else {}
    engine = {LLAMAFACTORY_CLI: llamafactory_cli} if llamafactory_cli else {}
    return {**inherited, **MODEL_ENVIRONMENT, **limits, **engine}


class ProcessLauncher:
    """The `ChildLauncher` port: runs a command with the job's folder as its last argument."""

    def __init__(self, command: Sequence[str], *, environment: Mapping[str, str]) -> None:
        self._command = tuple(command)
        self._environment = environment

    def launch(self, job_folder: Path) -> Process:
        """Start it."""
        return Process((*self._command, str(job_folder)), environment=self._environment)


class Process:
    """The `Child` port.

    Start it on a thread that outlives it: the kernel ties "dies with its parent" to the thread that started it.

    Args:
        command: the program and its arguments.
        environment: all of its environment.
        count_oom_kills: how many processes the kernel has killed here for want of memory.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        count_oom_kills: Callable[[], int] = oom_kills,
    ) -> None:
        self._count_oom_kills = count_oom_kills
        self._oom_kills: int | None = count_oom_kills()
        self._lines: queue.Queue[Line | None] = queue.Queue(QUEUED_LINES)
        self._process = subprocess.Popen(  # noqa: S603 - the service's own command, no shell
            (sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), *command),
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A group of its own, so that it can be ended together with what it started.
            start_new_session=True,
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        pipes = ((self._process.stdout, True), (self._process.stderr, False))
        self._open_pipes = len(pipes)
        for pipe, is_output in pipes:
            threading.Thread(target=self._pump, args=(pipe, is_output), daemon=True).start()

    @property
    def ended(self) -> bool:
        """Whether both its pipes are closed and read."""
        return self._open_pipes == 0

    def read(self, window_s: float) -> Sequence[Line]:
        """What it says within the window."""
        limit = time.monotonic() + window_s
        lines: list[Line] = []
        while not self.ended and len(lines) < QUEUED_LINES:
            try:
                line = self._lines.get(timeout=max(limit - time.monotonic(), 0.001))
            except queue.Empty:
                if self._process.poll() is not None:
                    # It is gone, and what it started holds its pipes open.
                    self._signal(signal.SIGKILL)
                break
            if line is None:
                self._open_pipes -= 1
            else:
                lines.append(line)
        return [*lines, *self._last_words()] if self.ended else lines

    def _last_words(self) -> Sequence[Line]:
        """What it cannot say itself: that the kernel killed it, or what it had started, for want of memory. Said once.

        torchrun, say, ends by itself when one of its workers was killed.
        """
        before, self._oom_kills = self._oom_kills, None
        if before is None or self._process.wait() == 0:
            return ()
        now = self._count_oom_kills()
        if now <= before:
            return ()
        return (Line(text=f"kernel: out of memory: {now - before} killed (oom_kill {now})", is_output=False),)

    def exit_code(self) -> int:
        """How it ended."""
        return self._process.wait()

    def stop(self) -> Sequence[Line]:
        """SIGTERM, then SIGKILL to the whole group; what it said meanwhile."""
        if self._process.poll() is None:
            self._signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE_S)
        self._signal(signal.SIGKILL)
        self._process.wait()
        said: list[Line] = []
        while not self.ended:  # lets the reading threads go
            said += self.read(GRACE_S)
        return said

    def _signal(self, number: signal.Signals) -> None:
        # The group has the number of its first process, and lives as long as any process in it.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _pump(self, pipe: IO[bytes], is_output: bool) -> None:
        try:
            with pipe:
                while text := pipe.readline(LONGEST_LINE_BYTES):
                    self._lines.put(Line(text=text.decode(errors="replace").rstrip("\r\n"), is_output=is_output))
        finally:
            self._lines.put(None)

"""One process of the embedded stack: what it is, and a keeper that has it running until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from upwell.errors import StackError
from upwell.local import launch
from upwell.local.readiness import Probe

LOG_LIMIT_BYTES = 10 * 1024 * 1024
LOG_TAIL_LINES = 5
PROBE_EVERY_S = 0.1
FIRST_BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 30.0
# A process that has been up for so long begins again with the shortest pause.
STEADY_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """How to run a process and how to tell that it answers.

    Attributes:
        name: what people call it; its log has this name.
        command: program and arguments.
        environment: all of it; nothing is inherited.
        log: file that takes what it prints.
        port: where it answers.
        probe: tells whether it answers.
        folder: working folder; None keeps this process's own.
        ready_within_s: a first start that takes longer has failed.
        drain_s: time between SIGTERM and SIGKILL.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    port: int
    probe: Probe
    folder: Path | None = None
    ready_within_s: float = 120.0
    drain_s: float = 30.0


class ProcessState(StrEnum):
    """Where a kept process stands."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    DIED = "died"
    STOPPED = "stopped"


class Keeper:
    """Runs a process, runs it again when it dies, and stops it.

    Use it on the main thread: the kernel ties "dies with its parent" to the thread that started the child.
    """

    def __init__(self, spec: ProcessSpec, *, on_change: Callable[[], None]) -> None:
        self.spec = spec
        self.state = ProcessState.WAITING
        self.restarts = 0
        self.process: asyncio.subprocess.Process | None = None
        self._on_change = on_change
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    async def start(self) -> None:
        """Start the process and return when it answers; from then on it is kept.

        Raises:
            StackError: it ended, or did not answer in time.
        """
        self._task = asyncio.create_task(self._keep())
        ready = asyncio.create_task(self._ready.wait())
        limit = self.spec.ready_within_s
        done, _ = await asyncio.wait({self._task, ready}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if self._task in done:
            self._task.result()
        if not done:
            raise StackError(f"{self.spec.name} did not answer within {limit:.0f} s. {self._log_tail()}")

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL to it and its children when it has not ended in time."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError, StackError):
                await self._task
        if self.process is not None:
            await _end(self.process, self.spec.drain_s)
        self._change(ProcessState.STOPPED)

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None and self.process.returncode is None:
            _signal_group(self.process.pid, signal.SIGKILL)

    async def _keep(self) -> None:
        pause_s = FIRST_BACKOFF_S
        while True:
            began = time.monotonic()
            ending = await self._run_once()
            if not self._ready.is_set():
                raise StackError(f"{self.spec.name} ended at its start ({ending}). {self._log_tail()}")
            self._change(ProcessState.DIED)
            pause_s = FIRST_BACKOFF_S if time.monotonic() - began > STEADY_S else pause_s
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_BACKOFF_S)
            self.restarts += 1

    async def _run_once(self) -> str:
        """Run it to its end; says how it ended."""
        try:
            self.process = process = await self._spawn()
        except OSError as error:
            return str(error)
        self._change(ProcessState.STARTING)
        watch = asyncio.create_task(self._watch())
        try:
            code = await process.wait()
        finally:
            watch.cancel()
        # Its own children must not go on beside those of the next one.
        _signal_group(process.pid, signal.SIGKILL)
        return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"

    async def _spawn(self) -> asyncio.subprocess.Process:
        rotate(self.spec.log)
        with self.spec.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *dying_with_parent(self.spec.command, signal.SIGKILL),
                env=dict(self.spec.environment),
                cwd=self.spec.folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C in the terminal is for the supervisor, which stops its processes in order.
                start_new_session=True,
            )

    async def _watch(self) -> None:
        while not await self.spec.probe():  # noqa: ASYNC110 - another process tells no event
            await asyncio.sleep(PROBE_EVERY_S)
        self._ready.set()
        self._change(ProcessState.READY)

    def _change(self, state: ProcessState) -> None:
        self.state = state
        self._on_change()

    def _log_tail(self) -> str:
        with suppress(OSError):
            lines = self.spec.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_TAIL_LINES:]
            return f"Its log {self.spec.log} ends with:\n" + "\n".join(f"  {line}" for line in lines)
        return f"See its log {self.spec.log}."


def dying_with_parent(command: tuple[str, ...], by: signal.Signals) -> tuple[str, ...]:
    """The command, wrapped so that the kernel sends it a signal when this process is gone."""
    return (sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), str(int(by)), *command)


async def _end(process: asyncio.subprocess.Process, drain_s: float) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.terminate()
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), drain_s)
    _signal_group(process.pid, signal.SIGKILL)
    await process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def rotate(log: Path) -> None:
    """Put a log that has grown large aside; the one put aside before goes."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".log.1"))

"""Starts the stages in order, keeps their processes running, and stops them in the opposite order."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from upwell.errors import StackError
from upwell.local.folder import DataFolder
from upwell.local.processes import Keeper
from upwell.local.record import Record, renew_record
from upwell.local.stack import Stage, stages
from upwell.local.state import Phase, ProcessReport, StackReport, living_state, start_ticks, write_state

Listener = Callable[[StackReport], None]
Plan = Callable[[DataFolder, Record], Sequence[Stage]]
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Supervisor:
    """Runs a stack. Everything happens in one event loop on the main thread."""

    def __init__(self, plan: Sequence[Stage], *, listener: Listener) -> None:
        self._plan = plan
        self._stages = [[Keeper(spec, on_change=self._tell) for spec in stage.processes] for stage in plan]
        self._listener = listener
        self._phase = Phase.STARTING
        self._error = ""
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Start, keep until asked to stop, stop.

        Raises:
            StackError: a process did not start; those that did are stopped.
        """
        try:
            await self._until_stopped(self._start())
            if not self._stop.is_set():
                self._change(Phase.READY)
                await self._stop.wait()
            self._change(Phase.STOPPING)
        except StackError as error:
            self._error = str(error)
            self._change(Phase.FAILED)
            raise
        finally:
            await self._end()

    def stop(self) -> None:
        """Ask for an orderly end; asked again, end at once."""
        if self._stop.is_set():
            for keeper in self._keepers():
                keeper.kill()
        self._stop.set()

    async def _start(self) -> None:
        for stage, keepers in zip(self._plan, self._stages, strict=True):
            await _together([keeper.start() for keeper in keepers])
            if stage.then is not None:
                await stage.then()

    async def _until_stopped(self, work: Coroutine[Any, Any, None]) -> None:
        """Do the work, or drop it when a stop is asked for."""
        doing = asyncio.create_task(work)
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not doing.done():
            doing.cancel()
            await asyncio.wait({doing})
        if not doing.cancelled():
            doing.result()

    async def _end(self) -> None:
        for keepers in reversed(self._stages):
            await asyncio.gather(*(keeper.stop() for keeper in keepers))

    def _keepers(self) -> Iterator[Keeper]:
        for keepers in self._stages:
            yield from keepers

    def report(self) -> StackReport:
        """Where everything stands now."""
        return StackReport(
            pid=os.getpid(),
            started_ticks=start_ticks(os.getpid()),
            phase=self._phase,
            error=self._error,
            processes=[_report(keeper) for keeper in self._keepers()],
        )

    def _change(self, phase: Phase) -> None:
        self._phase = phase
        self._tell()

    def _tell(self) -> None:
        self._listener(self.report())


async def run_stack(folder: DataFolder, *, listener: Listener, plan: Plan = stages) -> None:
    """Run the embedded stack on a data folder until SIGINT, SIGTERM or SIGHUP.

    Args:
        folder: where it keeps everything.
        listener: told of every change.
        plan: what the stack consists of.

    Raises:
        StackError: another one runs on this folder, or something did not start.
    """
    folder.make()
    with _locked(folder):
        supervisor = Supervisor(plan(folder, renew_record(folder)), listener=_recording(folder, listener))
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, supervisor.stop)
        try:
            await supervisor.run()
        finally:
            folder.state.unlink(missing_ok=True)
            for number in STOP_SIGNALS:
                loop.remove_signal_handler(number)


def _recording(folder: DataFolder, listener: Listener) -> Listener:
    def record(report: StackReport) -> None:
        # A full disk must not bring down what still runs.
        with suppress(OSError):
            write_state(folder, report)
        listener(report)

    return record


@contextmanager
def _locked(folder: DataFolder) -> Iterator[None]:
    with folder.lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            running = living_state(folder)
            who = f" (process {running.pid})" if running else ""
            raise StackError(
                f"An Upwell stack already runs on {folder.root}{who}. "
                "Stop it with `upwell down`, or name another folder with --data."
            ) from None
        yield


async def _together(starts: Sequence[Coroutine[Any, Any, None]]) -> None:
    """All of them at the same time; the first error ends the waiting for the others."""
    tasks = [asyncio.create_task(start) for start in starts]
    try:
        for finished in asyncio.as_completed(tasks):
            await finished
    finally:
        for task in tasks:
            task.cancel()


def _report(keeper: Keeper) -> ProcessReport:
    process = keeper.process
    return ProcessReport(
        name=keeper.spec.name,
        state=keeper.state,
        pid=process.pid if process is not None and process.returncode is None else 0,
        port=keeper.spec.port,
        restarts=keeper.restarts,
        log=str(keeper.spec.log),
    )

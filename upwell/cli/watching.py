"""Following a run on the terminal, from its beginning to its end."""

from __future__ import annotations

import asyncio
from collections import deque

from rich.progress import Progress, TaskID

from upwell.cli.output import clock, progress_bar, say, state_name
from upwell.cli.plot import curve
from upwell.client import Upwell
from upwell.client.failures import in_sentences
from upwell.common.v1 import common_pb2
from upwell.errors import ToolError
from upwell.train.v1 import events_pb2, train_service_pb2

# Reports come twice a second: half an hour of them.
LOSSES_DRAWN = 3600
CURVE_WIDTH = 24


async def watch_run(upwell: Upwell, run_id: str, *, logs: bool = False) -> train_service_pb2.Run:
    """Show a run's progress until it ends, as `show_run` does; who stops watching is told that the run goes on."""
    try:
        return await show_run(upwell, run_id, logs=logs)
    except asyncio.CancelledError:
        say(f"The run goes on: `upwell runs watch {run_id}` follows it, `upwell runs cancel {run_id}` stops it.")
        raise


async def show_run(upwell: Upwell, run_id: str, *, logs: bool = False) -> train_service_pb2.Run:
    """Show a run's progress until it ends; the completed run.

    Raises:
        ToolError: the run failed or was cancelled; the message holds its reason and remedy.
    """
    run = train_service_pb2.Run(run_id=run_id)
    with progress_bar(estimate=False) as bar:
        display = _Display(bar, run_id)
        async for answer in upwell.train.watch(run_id, when_unknown=display.unknown):
            match answer.WhichOneof("happened"):
                case "run":
                    run = answer.run
                    display.run(run)
                case "progress":
                    display.progress(answer.progress)
                case "log_line" if logs:
                    bar.console.print(answer.log_line, markup=False)
    return _completed(run)


class _Display:
    """A bar and the curve of the loss on a terminal; elsewhere a line for each change and each tenth of the way."""

    def __init__(self, bar: Progress, run_id: str) -> None:
        self._bar = bar
        self._task: TaskID = bar.add_task(f"run {run_id[:8]}", total=None, note="waiting")
        self._run_id = run_id
        self._told = ""
        self._tenth = 0
        self._losses: deque[float] = deque(maxlen=LOSSES_DRAWN)

    def unknown(self) -> None:
        self._bar.update(self._task, note="waiting for it to be recorded")
        self._tell(f"waiting for run {self._run_id} to be recorded")

    def run(self, run: train_service_pb2.Run) -> None:
        note = state_name(run.state) + (f", attempt {run.attempt}" if run.attempt > 1 else "")
        if run.queue_position:
            note += f", number {run.queue_position}"
        if run.waiting_for:
            note += f": waiting for {run.waiting_for}"
        self._bar.update(self._task, note=note)
        self._tell(note)

    def progress(self, progress: events_pb2.TrainProgress) -> None:
        self._losses.append(progress.loss)
        note = f"loss {progress.loss:.4f}  {progress.tokens_per_second:,.0f} tokens/s"
        if progress.step < progress.total_steps:
            note += f"  eta {clock(progress.eta.ToTimedelta().total_seconds())}"
        drawn = f"{curve(list(self._losses), width=CURVE_WIDTH)}  {note}"
        self._bar.update(self._task, completed=progress.step, total=progress.total_steps, note=drawn)
        tenth = 10 * progress.step // max(progress.total_steps, 1)
        if tenth != self._tenth:
            self._tenth = tenth
            self._tell(f"step {progress.step} of {progress.total_steps}  {note}")

    def _tell(self, text: str) -> None:
        if self._bar.disable and text != self._told:
            self._told = text
            say(text)


def _completed(run: train_service_pb2.Run) -> train_service_pb2.Run:
    if run.state != common_pb2.WORK_STATE_COMPLETED:
        raise ToolError(f"Run {run.run_id} {state_name(run.state)}. {in_sentences(run.failure)}".strip())
    return run

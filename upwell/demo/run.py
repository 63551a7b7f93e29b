"""The demo with a stack around it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from upwell.client import Connection, Upwell
from upwell.demo.narrator import Narrator
from upwell.demo.stage import Result, Stage, Story
from upwell.errors import StackError
from upwell.local.background import start_background, stop_background
from upwell.local.environment import client_environment
from upwell.local.folder import DataFolder
from upwell.local.record import load_record
from upwell.local.state import living_state

LOOK_EVERY_S = 1.0


def run_demo(story: Story, folder: DataFolder, *, console: Console, kept: bool) -> Sequence[Result]:
    """Start a stack if none runs on the folder, walk through the loop, and stop what was started.

    Args:
        story: what is shown.
        folder: the stack's data folder.
        console: where to tell it.
        kept: whether the folder stays, so that one can look further.
    """
    narrator = Narrator(console)
    with _stack(folder, narrator) as was_running, tempfile.TemporaryDirectory(prefix="upwell-demo-") as files:
        record = load_record(folder)
        assert record is not None, "a stack that runs has a record"
        connection = Connection.from_environment(client_environment(record))
        results = asyncio.run(
            _walk_while_it_lives(folder, _walk(story, connection, narrator, Path(files), folder.root))
        )
    where_next(story, narrator, folder, kept=kept, runs=was_running)
    return results


async def _walk_while_it_lives(folder: DataFolder, walk: Coroutine[None, None, Sequence[Result]]) -> Sequence[Result]:
    """Walk, and end at once when the stack is gone: without it every step would wait for its time limit."""
    walking = asyncio.create_task(walk)
    while not (await asyncio.wait({walking}, timeout=LOOK_EVERY_S))[0]:
        if living_state(folder) is None:
            walking.cancel()
            await asyncio.wait({walking})
            raise StackError(f"The stack in {folder.root} has ended. Its logs are in {folder.root / 'logs'}.")
    return walking.result()


async def _walk(story: Story, connection: Connection, narrator: Narrator, files: Path, kept: Path) -> Sequence[Result]:
    async with Upwell.connect(connection) as upwell:
        stage = Stage(upwell=upwell, narrator=narrator, files=files, kept=kept, nats_url=connection.nats_url)
        return await story.walk(stage)


@contextmanager
def _stack(folder: DataFolder, narrator: Narrator) -> Iterator[bool]:
    """A stack for the block; whether it ran before."""
    narrator.step("Start", "A real NATS JetStream server, a real S3 server and five services, on this machine.")
    if living_state(folder) is not None:
        narrator.say(f"already running in {folder.root}")
        yield True
        return
    try:
        # With this process: should the demo be killed, nothing may stay behind.
        with narrator.console.status("starting ..."):
            report = start_background(folder, with_parent=True)
        narrator.say(" ".join(process.name for process in report.processes) + f" in {folder.root}")
        yield False
    finally:
        with narrator.console.status("stopping ..."):
            stop_background(folder)


def where_next(story: Story, narrator: Narrator, folder: DataFolder, *, kept: bool, runs: bool) -> None:
    """Tell which commands show more."""
    narrator.step("Where to look next", f"All of it took {narrator.elapsed_s:.0f} s.")
    if not kept:
        narrator.say("`upwell demo` without --temporary keeps everything, so that you can look at it afterwards.")
        return
    if not runs:
        narrator.say(f"upwell up --data {folder.root} --detach    (it starts again with all that is in it now)")
    narrator.say(f"export UPWELL_DATA={folder.root}")
    lines = (*story.where_next, ("upwell env", "addresses and token for your own client"))
    width = max(len(command) for command, _ in lines)
    for command, what in lines:
        narrator.say(f"{command:<{width}}  {what}")

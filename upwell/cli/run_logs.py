"""`upwell runs logs`."""

from __future__ import annotations

from collections import deque
from typing import Annotated

import typer

from upwell.cli.output import say, state_name
from upwell.cli.session import DataOption, run
from upwell.client import Upwell
from upwell.train.v1 import train_service_pb2


def logs(
    run_id: Annotated[str, typer.Argument(help="The run's id.")],
    *,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with what it says from now on, until it ends.")
    ] = False,
    tail: Annotated[int, typer.Option(min=0, help="Only so many of its last lines; 0 prints all that is kept.")] = 0,
    data: DataOption = None,
) -> None:
    """Print the log of a run, all attempts of it.

    Examples:
    - `upwell runs logs 0b7e... --tail 50`
    - `upwell runs logs 0b7e... --follow`
    """

    async def work(upwell: Upwell) -> None:
        kept = deque([answer async for answer in upwell.train.log(run_id)], maxlen=tail or None)
        for answer in kept:
            typer.echo(answer.log_line)
        if follow:
            await _follow(upwell, run_id, kept[-1].sequence if kept else 0)

    run(data, work)


async def _follow(upwell: Upwell, run_id: str, after: int) -> None:
    last = train_service_pb2.WatchRunResponse()
    async for last in upwell.train.watch(run_id, after_sequence=after, logs_only=True):
        if last.WhichOneof("happened") == "log_line":
            typer.echo(last.log_line)
    say(f"run {run_id} {state_name(last.run.state)}")

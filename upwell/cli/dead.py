"""`upwell dead list|show|replay`: messages that could not be handled."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from nats.js import JetStreamContext

from upwell.bus import connection
from upwell.cli.output import print_json, print_table, say
from upwell.cli.session import DataOption, JsonOption, record_of
from upwell.deadletters import DeadLetter, newest_letters, read_letter, replay_letter
from upwell.permissions import ADMIN

T = TypeVar("T")

app = typer.Typer(help="Work the dead letters: messages that could not be handled.", no_args_is_help=True)
# Outside the embedded stack: the bus with the operator's user and password in it.
ADMIN_URL = "UPWELL_NATS_ADMIN_URL"


@app.command("list")
def list_letters(
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List dead letters, newest first.

    Examples:
    - `upwell dead list`
    - `upwell dead list --limit 500 --json`
    """
    letters = _run(data, lambda js: newest_letters(js, limit=limit))
    if as_json:
        print_json([_as_json(letter) for letter in letters])
        return
    rows = [(each.number, each.time, each.subject, each.consumer, each.reason) for each in letters]
    print_table(["number#", "time", "subject", "consumer", "reason"], rows, empty="No dead letters.")


@app.command()
def show(
    number: Annotated[int, typer.Argument(help="As `upwell dead list` shows it.")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one dead letter with its headers and body.

    Examples:
    - `upwell dead show 12`
    """
    letter = _run(data, lambda js: read_letter(js, number))
    if as_json:
        print_json(_as_json(letter))
        return
    print_table(["header", "value"], sorted(letter.headers.items()), empty="")
    typer.echo(letter.text())
    if letter.truncated:
        say("Only the beginning of the body was kept, so this letter cannot be replayed.")


@app.command()
def replay(
    numbers: Annotated[list[int], typer.Argument(help="As `upwell dead list` shows them.")],
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the letters in the list.")] = False,
    data: DataOption = None,
) -> None:
    """Publish dead letters again where they came from; the event keeps its id.

    Examples:
    - `upwell dead replay 12 13`
    """

    async def work(js: JetStreamContext) -> None:
        for number in numbers:
            letter = await read_letter(js, number)
            sequence = await replay_letter(js, letter, keep=keep)
            typer.echo(f"{number} -> {letter.subject} {sequence}")

    _run(data, work)


def _run(data: Path | None, work: Callable[[JetStreamContext], Awaitable[T]]) -> T:
    url = (os.environ.get(ADMIN_URL) if data is None else None) or record_of(data).bus_url(ADMIN)

    async def session() -> T:
        async with connection(url) as client:
            return await work(client.jetstream())

    return asyncio.run(session())


def _as_json(letter: DeadLetter) -> dict[str, Any]:
    return {
        "number": letter.number,
        "time": letter.time,
        "subject": letter.subject,
        "stream": letter.stream,
        "sequence": letter.sequence,
        "consumer": letter.consumer,
        "reason": letter.reason,
        "truncated": letter.truncated,
        "headers": dict(letter.headers),
        "body": letter.body.decode("utf-8", errors="backslashreplace"),
    }

"""How commands find the stack and run what they have to ask of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from upwell.client import Connection, Upwell
from upwell.errors import StackError, ToolError
from upwell.local.environment import client_environment
from upwell.local.folder import DEFAULT, DataFolder
from upwell.local.record import Record, load_record

T = TypeVar("T")

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        envvar="UPWELL_DATA",
        help="Data folder of an embedded stack (default: .upwell here, unless UPWELL_..._ADDRESS variables are set).",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
TimeoutOption = Annotated[
    float,
    typer.Option(
        "--timeout",
        min=0.001,
        metavar="SECONDS",
        help="The longest to wait for the answer. The server has a limit of its own, UPWELL_PREDICT_SECONDS.",
        show_default="as long as the server allows",
    ),
]
AliasOption = Annotated[str, typer.Option(help="The alias.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", "-p", metavar="KEY=VALUE", help="A parameter; again for each one. Values are read as JSON."),
]


def folder_of(data: Path | None) -> DataFolder:
    """The data folder named, or the default one."""
    return DataFolder.at(data or DEFAULT)


def record_of(data: Path | None) -> Record:
    """Ports and secrets of the embedded stack.

    Raises:
        StackError: no stack was ever started there.
    """
    folder = folder_of(data)
    record = load_record(folder)
    if record is None:
        raise StackError(
            f"There is no Upwell in {folder.root}: start one with `upwell up`, name its folder with --data, "
            "or set the variables that `upwell env` prints."
        )
    return record


def connection_to(data: Path | None) -> Connection:
    """Where the services are: the data folder named, else the environment, else the default data folder."""
    if data is None and any(name.startswith("UPWELL_") and name.endswith("_ADDRESS") for name in os.environ):
        return Connection.from_environment()
    return Connection.from_environment(client_environment(record_of(data)))


def run(data: Path | None, work: Callable[[Upwell], Awaitable[T]]) -> T:
    """Run work with a client."""

    async def session() -> T:
        async with Upwell.connect(connection_to(data)) as upwell:
            return await work(upwell)

    return asyncio.run(session())


def parse_version(reference: str) -> tuple[str, int]:
    """`name@3` as name and number; ToolError for anything else."""
    name, _, version = reference.partition("@")
    if not name or not version.isdecimal():
        raise ToolError(f"{reference!r} names no version: write NAME@NUMBER, for example {name or 'pump-detector'}@1.")
    return name, int(version)

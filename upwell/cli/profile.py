"""`upwell profile grid|pack`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from upwell.cli.output import counted, say
from upwell.errors import ToolError
from upwell.profile_grid import write_grid, write_zip

app = typer.Typer(help="Make files of tool profiles, for `upwell ingest profile`.", no_args_is_help=True)
OutArgument = Annotated[Path, typer.Argument(help="The zip to write.")]


@app.command()
def grid(out: OutArgument) -> None:
    """Write a made-up profile: seven tools, 243 configurations each, latencies by a stated model of their cost.

    Examples:
    - `upwell profile grid grid.profile.zip`
    """
    try:
        count = write_grid(out)
    except OSError as error:
        raise ToolError(f"{out} cannot be written: {error.strerror}.") from error
    say(counted(count, "configuration"))
    typer.echo(out)


@app.command()
def pack(
    tools: Annotated[Path, typer.Argument(help='The registry, a JSON list of {"name", "description"}.')],
    table: Annotated[Path, typer.Argument(help="The measurements, a CSV: tool, input_size, cpu_cores, ...")],
    out: OutArgument,
) -> None:
    """Put a registry of tools and a table of measurements into the zip that `upwell ingest profile` takes.

    Examples:
    - `upwell profile pack tools.json profile.csv ours.profile.zip`
    """
    try:
        write_zip(out, tools=tools.read_bytes(), table=table.read_bytes())
    except OSError as error:
        raise ToolError(f"{error.filename}: {error.strerror}.") from error
    typer.echo(out)

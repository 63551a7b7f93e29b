"""`upwell sources list|show`."""

from __future__ import annotations

from typing import Annotated

import typer

from upwell.cli.described import print_parameters
from upwell.cli.output import print_json, print_table, say
from upwell.cli.session import DataOption, JsonOption, run

app = typer.Typer(help="Look at sources, which read files, and at their parameters.", no_args_is_help=True)
SERIES = "series/v1"


@app.command("list")
def list_sources(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the sources that are installed.

    Examples:
    - `upwell sources list`
    """
    found = run(data, lambda upwell: upwell.ingest.sources())
    if as_json:
        print_json(found)
        return
    rows = [(one.name, ", ".join(one.endings), one.makes, len(one.parameters), one.summary) for one in found]
    columns = ["source", "reads", "makes", "parameters#", "summary"]
    print_table(columns, rows, empty="No sources are installed where svc_ingest runs.")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="The source's name.")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a source reads, and its parameters: each goes into `upwell ingest` as `--set NAME=VALUE`.

    Examples:
    - `upwell sources show field`
    """
    source = run(data, lambda upwell: upwell.ingest.source(name))
    if as_json:
        print_json(source)
        return
    none = "It has no parameters." + (" `upwell ingest --help` tells its options." if source.makes == SERIES else "")
    print_parameters(source.parameters, empty=none)
    say(f"{source.name} reads {', '.join(source.endings)} and makes {source.makes}. {source.summary}")

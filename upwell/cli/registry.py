"""`upwell registry rebuild`."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import typer

from upwell.cli.session import DataOption, folder_of, record_of
from upwell.errors import StackError
from upwell.events import REGISTRY
from upwell.local.environment import service_environment
from upwell.local.state import living_state

app = typer.Typer(help="Keep the catalogue.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keep the catalogue."""


@app.command()
def rebuild(
    replace: Annotated[bool, typer.Option("--replace", help="Empty a catalogue that holds something first.")] = False,
    data: DataOption = None,
) -> None:
    """Fill a lost catalogue of the embedded stack from the bus and the object store, while the stack runs.

    Elsewhere, run `python -m svc_registry.rebuild` with the settings of svc_registry. Exit code 2 when something could
    not be restored.

    Examples:
    - `upwell registry rebuild`
    """
    folder, record = folder_of(data), record_of(data)
    if living_state(folder) is None:
        raise StackError(f"No stack runs in {folder.root}: start it with `upwell up`; its bus and bucket are needed.")
    command = [sys.executable, "-m", "svc_registry.rebuild", *(["--replace"] if replace else [])]
    environment = service_environment(REGISTRY, folder=folder, record=record)
    ended = subprocess.run(command, env=environment, check=False)  # noqa: S603 - our own module
    raise typer.Exit(ended.returncode)

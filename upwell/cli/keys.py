"""`upwell keys new|show`."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

import typer

from upwell.cli.output import say
from upwell.cli.versions import read_key
from upwell.errors import ToolError
from upwell.signing import new_private_key, public_key

app = typer.Typer(help="Keys that sign models.", no_args_is_help=True)
FOR_ITS_OWNER_ONLY = 0o600
# Commas and colons separate keys and their parts in the setting.
NAME = re.compile(r"[^\W_][\w.\-]{0,99}")


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="The key's name, e.g. release.")],
    out: Annotated[Path | None, typer.Option(help="Where to write the private key; NAME.pem if absent.")] = None,
) -> None:
    """Make a key pair: the private key goes to a file, the line for UPWELL_TRUSTED_KEYS to stdout.

    Examples:
    - `upwell keys new release`
    """
    if not NAME.fullmatch(name):
        raise ToolError(f"{name!r} is no name of a key: use letters, digits, '.', '_' and '-'.")
    path = out or Path(f"{name}.pem")
    private_key = new_private_key()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FOR_ITS_OWNER_ONLY)
    except FileExistsError:
        raise ToolError(f"{path} is there already: a key is never overwritten.") from None
    except OSError as error:
        raise ToolError(f"{path} cannot be written: {error.strerror}.") from error
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(private_key + "\n")
    say(f"{path} holds the private key: keep it to yourself. The services need the line below, in UPWELL_TRUSTED_KEYS.")
    typer.echo(f"{name}:{public_key(private_key)}")


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="The private key's file.")],
    name: Annotated[str, typer.Option(help="The key's name; by default the file's.")] = "",
) -> None:
    """Show the line for UPWELL_TRUSTED_KEYS again.

    Examples:
    - `upwell keys show release.pem`
    """
    typer.echo(f"{name or file.stem}:{public_key(read_key(file))}")

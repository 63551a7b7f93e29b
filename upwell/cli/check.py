"""`upwell datasets check`."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from upwell.errors import ToolError

SERVICE = "svc_label"
CHECKER = f"{SERVICE}.labelers.ocean_questions"


def check(folder: Annotated[Path, typer.Argument(help="A pulled version of questions about fields.")]) -> None:
    """Compute every number of every answer about fields again, from the fields that were pulled with them.

    Reads chat.jsonl and geoformer_sft.json, whichever are there, and prints a line for each answer that is not true.
    Needs svc_label on this machine, whose labeler `ocean-questions` made the answers.

    Exit code 0 when all answers are true, 1 when one is not, 2 when the folder or what is in it cannot be read.

    Examples:
    - `upwell datasets pull questions ./questions`
    - `upwell datasets check ./questions`
    """
    if find_spec(SERVICE) is None:
        raise ToolError("The checker comes with svc_label: run `pip install 'upwell[label]'`.")
    # Another process: commands know nothing of the services' packages, and these are slow to load.
    ended = subprocess.run([sys.executable, "-m", CHECKER, str(folder)], check=False)  # noqa: S603 - our own module
    raise typer.Exit(ended.returncode)

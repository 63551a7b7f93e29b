"""`upwell demo`."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from upwell.cli.output import console, print_json
from upwell.cli.session import DataOption, JsonOption, folder_of
from upwell.demo.stories import StoryName, story_named
from upwell.local.folder import DataFolder


def demo(
    story: Annotated[StoryName, typer.Argument(help="What it is about.")] = StoryName.SERIES,
    *,
    temporary: Annotated[bool, typer.Option("--temporary", help="Keep nothing: use a folder of its own.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Walk through the whole loop: ingest, label, train, promote, predict, and see what came from what.

    It starts the stack in the data folder if none runs there, and stops what it has started. With --json the results
    go to stdout and the story to stderr.

    Examples:
    - `upwell demo`
    - `upwell demo --temporary --json`
    """
    from upwell.demo.run import run_demo  # noqa: PLC0415 - needs the extra `demo`

    # As with ctrl-C, what was started is stopped before the end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    screen = console(stderr=as_json)
    if temporary:
        root = Path(tempfile.mkdtemp(prefix="upwell-"))
        try:
            results = run_demo(story_named(story), DataFolder.at(root), console=screen, kept=False)
        finally:
            shutil.rmtree(root, ignore_errors=True)
    else:
        results = run_demo(story_named(story), folder_of(data), console=screen, kept=True)
    if as_json:
        print_json([result.as_json() for result in results])

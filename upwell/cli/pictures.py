"""What all pictures share: matplotlib without a screen, file endings, colours."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from upwell.errors import ToolError

FORMATS = {".png", ".svg"}
DOTS_PER_INCH = 150


def check_plot(path: Path) -> None:
    """Fail early: before anything is asked of a service.

    Raises:
        ToolError: the file's name has no known ending, or matplotlib is not installed.
    """
    if path.suffix.lower() not in FORMATS:
        raise ToolError(f"{path} has no known ending: use one of {', '.join(sorted(FORMATS))}.")
    pyplot_without_screen()


def pyplot_without_screen() -> Any:
    """Matplotlib's pyplot; ToolError says how to install it."""
    try:
        # A picture in a file needs no screen.
        importlib.import_module("matplotlib").use("agg")
        return importlib.import_module("matplotlib.pyplot")
    except ModuleNotFoundError as error:
        raise ToolError(f"{error.name} is not installed: run `pip install 'upwell[plots]'`.") from error

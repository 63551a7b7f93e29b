"""What the demo says on the way."""

from __future__ import annotations

import time

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

# Above, right, below, left.
INDENT = (0, 0, 0, 2)


class Narrator:
    """Numbers the steps and indents what belongs to them."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._step = 0
        self._began = time.monotonic()

    def step(self, title: str, why: str) -> None:
        """Begin a step."""
        self._step += 1
        self.console.print()
        self.console.print(f"[bold]── {self._step}. {title}[/] [dim]({self.elapsed_s:.0f} s)[/]")
        self.console.print(Text(why, style="italic"))

    def say(self, text: str) -> None:
        """A line."""
        self.console.print(Padding(Text(text), INDENT, expand=False))

    def show(self, what: RenderableType) -> None:
        """A table, a tree, a plot."""
        self.console.print(Padding(what, INDENT, expand=False))

    @property
    def elapsed_s(self) -> float:
        """Seconds since the demo began."""
        return time.monotonic() - self._began

"""What the benchmarks share: settings of a command line, repetitions, percentiles and the table."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table


def settings(given: Iterable[str]) -> dict[str, Any]:
    """`name=value` by name: values are JSON, and what is no JSON is text."""
    return {name: _value(text) for name, _, text in (one.partition("=") for one in given)}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return float(np.median(values))


def p99(values: Sequence[float]) -> float:
    """The 99th percentile."""
    return float(np.percentile(values, 99))


def ratios(ours: Sequence[float], other: Sequence[float]) -> list[float]:
    """Ours over the other, repetition by repetition: what slows one slows its neighbour too."""
    return [a / b for a, b in zip(ours, other, strict=True)]


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], notes: Mapping[str, object]
) -> None:
    """Print a table, what it ran on, and what has to be known to read it."""
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="left" if column == columns[0] else "right")
    for row in rows:
        table.add_row(*(_text(cell) for cell in row))
    console = Console(width=120)
    console.print(table)
    notes = {"cores": os.cpu_count(), "python": platform.python_version(), **notes}
    console.print(", ".join(f"{key} {value}" for key, value in notes.items()), style="dim")


def _text(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 1000 else f"{cell:.3g}"
    return str(cell)

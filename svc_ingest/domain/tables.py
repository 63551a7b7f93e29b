"""Rows of a stored table, for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Some rows as text: names of the columns, and a cell for each in every row."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePreview:
    """Some rows in the dataset's order, and how many there are in all."""

    cells: Cells
    rows: int

"""Rows of `profile/v1` and `plans/v1` as text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from shared.contracts.kinds import Kind
from shared.errors import IntegrityError
from shared.planning.oracle import NONE_FITS
from shared.planning.plans import PLANS_FILE
from shared.planning.profile import NUMBERS, TABLE_FILE, TOOLS_FILE
from shared.planning.template import describe
from shared.planning.values import RESOURCES
from svc_ingest.domain.tables import Cells

# What of a version's files is read to show its rows.
FILES_OF: Mapping[str, Sequence[str]] = {Kind.PROFILE: (TABLE_FILE,), Kind.PLANS: (PLANS_FILE, TABLE_FILE, TOOLS_FILE)}
CONFIG_ID = "config_id"
MAX_CELL = 1000


def cells_of(kind: str, files: Mapping[str, Path], *, start_row: int, count: int) -> Cells:
    """Up to `count` rows from `start_row` on.

    Args:
        kind: one of `FILES_OF`.
        files: where its files lie.
        start_row: the first row.
        count: of rows.

    Raises:
        IntegrityError: the files do not hold what their kind says.
    """
    try:
        if kind == Kind.PROFILE:
            return _profile(files[TABLE_FILE], start_row, count)
        return _plans(files, start_row, count)
    except (pl.exceptions.PolarsError, OSError, ValueError, LookupError, TypeError) as error:
        raise IntegrityError(f"The files do not hold {kind}: {error!r}") from error


def _profile(path: Path, start_row: int, count: int) -> Cells:
    rows = _configurations(path).slice(start_row, count).collect().rows()
    return Cells(
        columns=(CONFIG_ID, "tool", *NUMBERS),
        rows=[(str(config_id), tool, *map(_exact, numbers)) for config_id, tool, *numbers in rows],
    )


def _plans(files: Mapping[str, Path], start_row: int, count: int) -> Cells:
    wanted = ("id", "task", "tool_id", CONFIG_ID, "used")
    plans = pl.scan_parquet(files[PLANS_FILE], glob=False).slice(start_row, count).select(wanted).collect().rows()
    chosen = [config_id for _, _, _, config_id, _ in plans]
    found = _configurations(files[TABLE_FILE]).filter(pl.col(CONFIG_ID).is_in(chosen)).collect().rows(named=True)
    sentences = {row[CONFIG_ID]: f"{row[CONFIG_ID]}, {describe(row['tool'], row)}" for row in found}
    sentences[NONE_FITS] = "none fits"
    tools = [tool["name"] for tool in json.loads(files[TOOLS_FILE].read_bytes())]
    return Cells(
        columns=("id", "task", "tool", "configuration", "in use"),
        rows=[
            (plan_id, _cut(task), tools[tool_id], sentences[config_id], _last(used))
            for plan_id, task, tool_id, config_id, used in plans
        ],
    )


def _configurations(path: Path) -> pl.LazyFrame:
    frame = pl.scan_parquet(path, glob=False).select("tool", *NUMBERS)
    return frame.with_row_index(CONFIG_ID).cast({CONFIG_ID: pl.Int32})


def _exact(number: float) -> str:
    """All digits that a float has to say, unlike those of a text to learn from."""
    return f"{number:.15g}"


def _last(used: Any) -> str:
    amounts = zip(RESOURCES, used[-len(RESOURCES) :], strict=True)
    return ", ".join(f"{name} {amount:.4g}" for name, amount in amounts)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CELL else f"{text[:MAX_CELL]}..."

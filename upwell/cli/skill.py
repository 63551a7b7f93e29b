"""Scores by lead of a forecaster beside what it is compared with, out of a version's metrics."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from rich.table import Table

# `lim_nino34_correlation_lead_03`: whose, of what, which score, at which lead.
BY_LEAD = re.compile(r"(?:(?P<whose>\w+)_)?(?P<index>[a-z0-9]+)_(?P<score>correlation|rmse)_lead_(?P<lead>\d+)")
OURS = "forecaster"


def is_by_lead(name: str) -> bool:
    """Whether a metric is one cell of a table by lead."""
    return BY_LEAD.fullmatch(name) is not None


def skill_tables(metrics: Mapping[str, float]) -> dict[str, Table]:
    """By title: a table for each score of an index; a row a lead, a column a way to forecast, the forecaster first."""
    cells: dict[tuple[str, str], dict[int, dict[str, float]]] = {}
    for name, value in metrics.items():
        if found := BY_LEAD.fullmatch(name):
            rows = cells.setdefault((found["index"], found["score"]), {})
            rows.setdefault(int(found["lead"]), {})[found["whose"] or OURS] = value
    return {f"{score} of {index} by lead": _table(rows) for (index, score), rows in sorted(cells.items())}


def _table(rows: Mapping[int, Mapping[str, float]]) -> Table:
    owners = sorted({owner for row in rows.values() for owner in row}, key=lambda owner: (owner != OURS, owner))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("lead", *(owner.replace("_", " ") for owner in owners)):
        table.add_column(heading, justify="right")
    for lead, row in sorted(rows.items()):
        table.add_row(str(lead), *_written(row.get(owner) for owner in owners))
    return table


def _written(values: Iterable[float | None]) -> list[str]:
    """A score that is not defined is no metric."""
    return ["-" if value is None else f"{value:.2f}" for value in values]

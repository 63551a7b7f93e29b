"""What a field's manifest says, in lines for people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

FIELD = "field/v1"
# Of every index: anomalies of the sea-surface temperature.
INDEX_UNITS = "degC"
NO_LAND = "no land found: if the file holds 0 there, set land_below, e.g. --set land_below=15"


def field_line(meta: Mapping[str, Any]) -> str:
    """When a field begins and ends, and what it holds."""
    channels = ", ".join(f"{channel['name']} ({channel['units']})" for channel in meta["channels"])
    return f"{meta['start']} to {meta['end']}: {channels}"


def made_lines(meta: Mapping[str, Any]) -> list[str]:
    """What was made of a file: its months and channels, its grid, and how much of it is land."""
    axes = [f"{name} {first:g} to {last:g}" for name, (first, last, _) in sorted(meta["grid"].items())]
    cells = " x ".join(f"{count:g}" for _, (_, _, count) in sorted(meta["grid"].items()))
    share = meta["land_share"]
    lines = [field_line(meta), f"{cells} cells, {', '.join(axes)}, {share:.1%} land"]
    return lines if share else [*lines, NO_LAND]


def months_shown(meta: Mapping[str, Any], first: int, last: int) -> str:
    """The months of two rows of a field, whose months follow each other without a gap."""
    start = date.fromisoformat(f"{meta['start']}-01")
    return " to ".join(_month(start, row) for row in (first, last))


def _month(start: date, row: int) -> str:
    years, month = divmod(start.month - 1 + row, 12)
    return f"{start.year + years:04d}-{month + 1:02d}"

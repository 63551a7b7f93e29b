"""The facts of a manifest as a person reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# What comes first, on every level; the rest follows by name.
FIRST = (
    "name",
    "rows",
    "months",
    "start",
    "end",
    "time",
    "channels",
    "units",
    "grid",
    "land_share",
    "indices",
    "base",
    "conversations",
    "turns",
    "tools",
    "configurations",
    "train",
    "test",
    "series",
    "segment_count",
)
PLACES = {name: place for place, name in enumerate(FIRST)}


def facts_in_order(facts: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Facts with their names, the most asked for first; those that say nothing are left out."""
    said = {name: value for name, value in facts.items() if value not in (None, "", [], {})}
    return sorted(said.items(), key=lambda fact: (PLACES.get(fact[0], len(PLACES)), fact[0]))


def fact_text(value: object) -> str:
    """A JSON value in a line."""
    if isinstance(value, float) and value.is_integer():
        return f"{int(value)}"
    if isinstance(value, list):
        return ", ".join(fact_text(item) for item in value)
    if isinstance(value, dict):
        inner = facts_in_order(value)
        return " ".join(str(v) if k == "name" and len(inner) == 1 else f"{k}={fact_text(v)}" for k, v in inner)
    return str(value)

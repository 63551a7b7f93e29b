"""How well the forecaster does beside simpler ones, in months it has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """A number of the trained version."""

    name: str
    value: float

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def skills_of(metrics: Mapping[str, float]) -> Sequence[Skill]:
    """All of them by name."""
    return [Skill(name=name, value=value) for name, value in sorted(metrics.items())]


def skill_table(skills: Sequence[Skill]) -> Table:
    """As a table."""
    table = Table(title="In the months that were held out", title_justify="left")
    table.add_column("measure")
    table.add_column("value", justify="right")
    for skill in skills:
        table.add_row(skill.name, f"{skill.value:.3g}")
    return table

"""How well the forecaster does beside simpler ones, in months it has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

CORRELATION = "nino34_correlation_lead_"
FIRST_LEAD = f"{CORRELATION}01"


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
    """Correlation of Nino3.4 by lead, the forecaster beside the others."""
    values = {skill.name: skill.value for skill in skills}
    owners = [name.removesuffix(FIRST_LEAD) for name in values if name.endswith(FIRST_LEAD)]
    table = Table(title="Correlation of Nino3.4 in the months that were held out", title_justify="left")
    table.add_column("lead", justify="right")
    for owner in owners:
        table.add_column(owner.rstrip("_") or "forecaster", justify="right")
    for lead in range(1, len(values)):
        row = [values.get(f"{owner}{CORRELATION}{lead:02d}") for owner in owners]
        if None in row:
            break
        table.add_row(str(lead), *(f"{value:.2f}" for value in row if value is not None))
    return table

"""How well the forecaster does beside simpler ones, in months it has not seen."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from upwell.demo.stage import Metric

CORRELATION = "nino34_correlation_lead_"
FIRST_LEAD = f"{CORRELATION}01"


def skill_table(metrics: Sequence[Metric]) -> Table:
    """Correlation of Nino3.4 by lead, the forecaster beside the others."""
    values = {metric.name: metric.value for metric in metrics}
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

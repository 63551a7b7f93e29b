"""The numbers of runs in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import tuple_
from sqlmodel import Session, col, select

from shared.runtime.database import insert_or_update
from svc_train.adapters.tables import MetricRow
from svc_train.domain.run import StepMetric, StepNumbers


class SqlMetrics:
    """The `Metrics` port."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, run_id: str, attempt: int, steps: Sequence[StepNumbers]) -> None:
        """Write in one statement; a number that stands already is replaced."""
        now = datetime.now(UTC)
        # PostgreSQL refuses a statement that writes a row twice: the last word on a step counts.
        rows = {
            (one.step, name): {
                "run_id": run_id,
                "step": one.step,
                "name": name,
                "value": value,
                "attempt": attempt,
                "recorded_at": now,
            }
            for one in steps
            for name, value in one.numbers.items()
        }
        insert_or_update(self._session, MetricRow, list(rows.values()))

    def after(self, run_id: str, place: tuple[int, str], *, names: Sequence[str], limit: int) -> Sequence[StepMetric]:
        """In the order of the primary key."""
        query = (
            select(MetricRow)
            .where(MetricRow.run_id == run_id, tuple_(col(MetricRow.step), col(MetricRow.name)) > place)
            .order_by(col(MetricRow.step), col(MetricRow.name))
            .limit(limit)
        )
        if names:
            query = query.where(col(MetricRow.name).in_(names))
        return [
            StepMetric(step=row.step, name=row.name, value=row.value, attempt=row.attempt, recorded_at=row.recorded_at)
            for row in self._session.exec(query)
        ]

    def names(self, run_id: str) -> Sequence[str]:
        """In alphabetical order."""
        return sorted(self._session.exec(select(MetricRow.name).where(MetricRow.run_id == run_id).distinct()))

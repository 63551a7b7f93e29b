"""The journal of attempts in SQL."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import and_, func
from sqlmodel import Session, col, delete, insert, select

from svc_train.adapters.tables import JournalRow
from svc_train.domain.run import JournalEntry, Progress, RunProgress

NOTHING: Mapping[str, Any] = {
    "step": 0,
    "total_steps": 0,
    "loss": None,
    "learning_rate": 0.0,
    "tokens_per_s": 0.0,
    "eta_s": 0.0,
    "metrics": {},
}


class SqlJournal:
    """The `Journal` port. One attempt at a time writes for a run, so that its ids are in order."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, run_id: str, entries: Sequence[JournalEntry]) -> None:
        """Write entries in one statement."""
        if entries:
            rows = [{"run_id": run_id, "attempt": entry.attempt, **_columns(entry.happened)} for entry in entries]
            self._session.connection().execute(insert(JournalRow), rows)

    def after(
        self, run_id: str, entry_id: int, *, limit: int, logs_only: bool = False
    ) -> Sequence[tuple[int, JournalEntry]]:
        """In order."""
        query = (
            select(JournalRow)
            .where(JournalRow.run_id == run_id, col(JournalRow.id) > entry_id)
            .order_by(col(JournalRow.id))
            .limit(limit)
        )
        if logs_only:
            query = query.where(col(JournalRow.log_line).is_not(None))
        return [_entry(row) for row in self._session.exec(query)]

    def latest(self, run_ids: Sequence[str]) -> Mapping[str, RunProgress]:
        """The last progress of each, in one query."""
        newest = (
            select(func.max(JournalRow.id))
            .where(col(JournalRow.run_id).in_(run_ids), col(JournalRow.log_line).is_(None))
            .group_by(col(JournalRow.run_id))
        )
        rows = self._session.exec(select(JournalRow).where(col(JournalRow.id).in_(newest)))
        return {
            row.run_id: RunProgress(run_id=row.run_id, attempt=row.attempt, progress=_progress(row)) for row in rows
        }

    def furthest(self, run_id: str) -> int:
        """The largest step of any attempt."""
        query = select(func.max(JournalRow.step)).where(JournalRow.run_id == run_id)
        return self._session.exec(query).one() or 0

    def trim_log(self, run_id: str, attempt: int, *, keep: int) -> None:
        """Delete all but the newest lines."""
        lines = and_(
            col(JournalRow.run_id) == run_id,
            col(JournalRow.attempt) == attempt,
            col(JournalRow.log_line).is_not(None),
        )
        oldest_kept = self._session.exec(
            select(JournalRow.id).where(lines).order_by(col(JournalRow.id).desc()).offset(keep - 1).limit(1)
        ).one_or_none()
        if oldest_kept is not None:
            self._session.exec(delete(JournalRow).where(lines, col(JournalRow.id) < oldest_kept))


def _columns(happened: Progress | str) -> dict[str, Any]:
    if isinstance(happened, str):
        # PostgreSQL holds no NUL in text.
        return {"log_line": happened.replace("\0", "\N{REPLACEMENT CHARACTER}"), **NOTHING}
    return {
        "log_line": None,
        "step": happened.step,
        "total_steps": happened.total_steps,
        "loss": happened.loss if math.isfinite(happened.loss) else None,
        "learning_rate": happened.learning_rate,
        "tokens_per_s": happened.tokens_per_s,
        "eta_s": happened.eta_s,
        "metrics": dict(happened.metrics),
    }


def _entry(row: JournalRow) -> tuple[int, JournalEntry]:
    assert row.id is not None, "the row is stored"
    happened = _progress(row) if row.log_line is None else row.log_line
    return row.id, JournalEntry(attempt=row.attempt, happened=happened)


def _progress(row: JournalRow) -> Progress:
    return Progress(
        step=row.step,
        total_steps=row.total_steps,
        loss=math.nan if row.loss is None else row.loss,
        learning_rate=row.learning_rate,
        tokens_per_s=row.tokens_per_s,
        eta_s=row.eta_s,
        metrics=row.metrics,
    )

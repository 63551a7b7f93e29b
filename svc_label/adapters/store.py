"""The `LabelStore` port over SQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlmodel import Session

from shared.runtime.database import Database
from shared.runtime.outbox import SqlOutbox
from shared.runtime.work import SqlWork
from svc_label.adapters.candidates import SqlCandidates
from svc_label.adapters.reviews import SqlDraws, SqlReviews
from svc_label.adapters.series import SqlSeries
from svc_label.domain.events import LabelEvent
from svc_label.wire.events import to_message


class SqlLabelTransaction:
    """One transaction."""

    def __init__(self, session: Session, source: str) -> None:
        self.work = SqlWork(session)
        self.outbox: SqlOutbox[LabelEvent] = SqlOutbox(session, source=source, translate=to_message)
        self.series = SqlSeries(session)
        self.candidates = SqlCandidates(session)
        self.reviews = SqlReviews(session)
        self.draws = SqlDraws(session)


class SqlLabelStore:
    """Opens transactions.

    Args:
        database: the service's database.
        source: the service's name, on every event.
    """

    def __init__(self, database: Database, *, source: str) -> None:
        self._database = database
        self._source = source

    @contextmanager
    def transaction(self) -> Iterator[SqlLabelTransaction]:
        """A transaction that may write."""
        with self._database.transaction() as session:
            yield SqlLabelTransaction(session, self._source)

    @contextmanager
    def reading(self) -> Iterator[SqlLabelTransaction]:
        """A transaction that only reads."""
        with self._database.reading() as session:
            yield SqlLabelTransaction(session, self._source)

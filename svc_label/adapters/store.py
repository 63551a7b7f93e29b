"""The `LabelStore` port over SQL."""

from __future__ import annotations

from sqlmodel import Session

from shared.runtime.database import Database
from shared.runtime.outbox import SqlOutbox
from shared.runtime.sql_store import SqlStore
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


class SqlLabelStore(SqlStore[SqlLabelTransaction]):
    """Opens transactions.

    Args:
        database: the service's database.
        source: the service's name, on every event.
    """

    def __init__(self, database: Database, *, source: str) -> None:
        super().__init__(database, lambda session: SqlLabelTransaction(session, source))

"""The `InferStore` port over SQL: prediction jobs are recorded work, and nothing else is kept."""

from __future__ import annotations

from sqlmodel import Session

from shared.runtime.database import Database
from shared.runtime.outbox import SqlOutbox
from shared.runtime.sql_store import SqlStore
from shared.runtime.work import SqlWork
from svc_infer.domain.jobs import InferEvent
from svc_infer.wire.jobs import to_message


class SqlInferTransaction:
    """One transaction over the jobs."""

    def __init__(self, session: Session, source: str) -> None:
        self.work = SqlWork(session)
        self.outbox: SqlOutbox[InferEvent] = SqlOutbox(session, source=source, translate=to_message)


class SqlInferStore(SqlStore[SqlInferTransaction]):
    """Opens transactions.

    Args:
        database: the service's database.
        source: the service's name, on every event.
    """

    def __init__(self, database: Database, *, source: str) -> None:
        super().__init__(database, lambda session: SqlInferTransaction(session, source))

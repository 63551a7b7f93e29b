"""The `IngestStore` port over SQL."""

from __future__ import annotations

from dataclasses import asdict

from sqlmodel import Session

from shared.contracts.canonical import digest_of
from shared.contracts.work import Work
from shared.runtime.database import Database, insert_or_ignore
from shared.runtime.outbox import SqlOutbox
from shared.runtime.sql_store import SqlStore
from shared.runtime.work import SqlWork, WorkRow
from svc_ingest import wire
from svc_ingest.domain.events import IngestEvent


class SqlJobs(SqlWork):
    """The `Jobs` port."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._rows = session

    def keep(self, ended: Work) -> None:
        """Keep a job that has ended already; see the port."""
        assert ended.state.is_final, "jobs under way belong into the queue"
        failure = ended.failure
        row = {
            "id": ended.id,
            "request": dict(ended.request),
            "request_digest": digest_of(ended.request),
            "state": ended.state,
            "attempt": ended.attempt,
            "spent": ended.spent,
            "excused": ended.excused,
            "due_at": ended.created_at,
            "waiting_for": ended.waiting_for,
            "result": dict(ended.result),
            "failure": {**asdict(failure), "evidence": list(failure.evidence)} if failure else {},
            "created_at": ended.created_at,
            "finished_at": ended.finished_at,
        }
        insert_or_ignore(self._rows, WorkRow, [row])


class SqlIngestTransaction:
    """One transaction."""

    def __init__(self, session: Session, source: str) -> None:
        self.work = SqlJobs(session)
        self.outbox: SqlOutbox[IngestEvent] = SqlOutbox(session, source=source, translate=wire.to_message)


class SqlIngestStore(SqlStore[SqlIngestTransaction]):
    """Opens transactions.

    Args:
        database: the service's database.
        source: the service's name, on every event.
    """

    def __init__(self, database: Database, *, source: str) -> None:
        super().__init__(database, lambda session: SqlIngestTransaction(session, source))

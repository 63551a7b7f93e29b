"""The `InferStore` port over SQL: prediction jobs are recorded work, and nothing else is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlmodel import Session

from shared.runtime.database import Database
from shared.runtime.outbox import SqlOutbox
from shared.runtime.work import SqlWork
from svc_infer import wire
from svc_infer.domain.jobs import InferEvent


class SqlInferTransaction:
    """One transaction over the jobs."""

    def __init__(self, session: Session, source: str) -> None:
        self.work = SqlWork(session)
        self.outbox: SqlOutbox[InferEvent] = SqlOutbox(session, source=source, translate=wire.to_message)


class SqlInferStore:
    """Opens transactions.

    Args:
        database: the service's database.
        source: the service's name, on every event.
    """

    def __init__(self, database: Database, *, source: str) -> None:
        self._database = database
        self._source = source

    @contextmanager
    def transaction(self) -> Iterator[SqlInferTransaction]:
        """A transaction that may write."""
        with self._database.transaction() as session:
            yield SqlInferTransaction(session, self._source)

    @contextmanager
    def reading(self) -> Iterator[SqlInferTransaction]:
        """A transaction that only reads."""
        with self._database.reading() as session:
            yield SqlInferTransaction(session, self._source)

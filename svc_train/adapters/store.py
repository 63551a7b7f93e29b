"""The `TrainStore` port over SQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlmodel import Session

from shared.runtime.database import Database
from shared.runtime.outbox import SqlOutbox
from shared.runtime.work import SqlWork
from svc_train import wire
from svc_train.adapters.checkpoints import SqlCheckpoints
from svc_train.adapters.journal import SqlJournal
from svc_train.adapters.metrics import SqlMetrics
from svc_train.adapters.runs import SqlBases, SqlRuns
from svc_train.domain.events import TrainEvent


class SqlTrainTransaction:
    """One transaction over the service's tables."""

    def __init__(self, session: Session, source: str) -> None:
        self.work = SqlWork(session)
        self.outbox: SqlOutbox[TrainEvent] = SqlOutbox(session, source=source, translate=wire.to_message)
        self.runs = SqlRuns(session)
        self.journal = SqlJournal(session)
        self.metrics = SqlMetrics(session)
        self.bases = SqlBases(session)
        self.checkpoints = SqlCheckpoints(session)


class SqlTrainStore:
    """Opens transactions.

    Args:
        database: the service's database.
        source: the service's name, on every event.
    """

    def __init__(self, database: Database, *, source: str) -> None:
        self._database = database
        self._source = source

    @contextmanager
    def transaction(self) -> Iterator[SqlTrainTransaction]:
        """A transaction that may write."""
        with self._database.transaction() as session:
            yield SqlTrainTransaction(session, self._source)

    @contextmanager
    def reading(self) -> Iterator[SqlTrainTransaction]:
        """A transaction that only reads."""
        with self._database.reading() as session:
            yield SqlTrainTransaction(session, self._source)

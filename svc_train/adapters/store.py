"""The `TrainStore` port over SQL."""

from __future__ import annotations

from sqlmodel import Session

from shared.runtime.database import Database
from shared.runtime.outbox import SqlOutbox
from shared.runtime.sql_store import SqlStore
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
        self.work = SqlWork(session, noun="run")
        self.outbox: SqlOutbox[TrainEvent] = SqlOutbox(session, source=source, translate=wire.to_message)
        self.runs = SqlRuns(session)
        self.journal = SqlJournal(session)
        self.metrics = SqlMetrics(session)
        self.bases = SqlBases(session)
        self.checkpoints = SqlCheckpoints(session)


class SqlTrainStore(SqlStore[SqlTrainTransaction]):
    """Opens transactions.

    Args:
        database: the service's database.
        source: the service's name, on every event.
    """

    def __init__(self, database: Database, *, source: str) -> None:
        super().__init__(database, lambda session: SqlTrainTransaction(session, source))

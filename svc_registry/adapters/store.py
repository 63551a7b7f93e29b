"""The `RegistryStore` port over SQL."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from shared.runtime.database import Database
from shared.runtime.sql_store import SqlStore
from svc_registry.adapters.chains import SqlChains
from svc_registry.adapters.histories import SqlHistories
from svc_registry.adapters.ledger import SqlLedger
from svc_registry.adapters.lineage import SqlLineage
from svc_registry.adapters.marks import SqlGates, SqlSignatures, SqlTombstones
from svc_registry.adapters.models import SqlModels
from svc_registry.adapters.review_index import SqlReviewIndex
from svc_registry.adapters.versions import SqlBases, SqlDatasets
from svc_registry.adapters.webhooks import TellingOutbox
from svc_registry.wire.events import to_message


class SqlRegistryTransaction:
    """One transaction over the catalogue."""

    def __init__(self, session: Session, source: str, webhooks: Sequence[str]) -> None:
        self.datasets = SqlDatasets(session)
        self.bases = SqlBases(session)
        self.models = SqlModels(session)
        self.ledger = SqlLedger(session)
        self.gates = SqlGates(session)
        self.tombstones = SqlTombstones(session)
        self.signatures = SqlSignatures(session)
        self.lineage = SqlLineage(session)
        self.reviews = SqlReviewIndex(session)
        self.chains = SqlChains(session, self.models)
        self.histories = SqlHistories(session)
        self.outbox = TellingOutbox(session, source=source, translate=to_message, urls=webhooks)


class SqlRegistryStore(SqlStore[SqlRegistryTransaction]):
    """Opens transactions.

    Args:
        database: the service's database.
        source: the service's name, on every event.
        webhooks: addresses that every event is delivered to, beside the bus.
    """

    def __init__(self, database: Database, *, source: str, webhooks: Sequence[str] = ()) -> None:
        super().__init__(database, lambda session: SqlRegistryTransaction(session, source, webhooks))

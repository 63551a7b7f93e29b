"""The `Restorer` port: the catalogue's tables, filled with what the streams and the bucket remember."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, select

from shared.runtime.database import Database
from shared.runtime.outbox import OutboxRow
from svc_registry.adapters.histories import SqlHistories
from svc_registry.adapters.ledger import SqlLedger
from svc_registry.adapters.lineage import SqlLineage
from svc_registry.adapters.marks import SqlGates
from svc_registry.adapters.models import model_row
from svc_registry.adapters.tables import (
    AliasMoveRow,
    AliasRow,
    BaseRow,
    DatasetNameRow,
    DatasetRow,
    DeliveryRow,
    EdgeRow,
    GateRow,
    HistoryFileRow,
    ImportedVersionRow,
    ModelNameRow,
    ModelRow,
    NodeRow,
    ReviewSetCandidateRow,
    ReviewSetReviewerRow,
    ReviewSetRow,
    SignatureRow,
    TombstoneRow,
)
from svc_registry.domain.artifacts import Sort
from svc_registry.domain.gates import Gate
from svc_registry.domain.graph import Graph
from svc_registry.domain.records import AliasMove, BaseRecord, DatasetRecord, Deletion, KeptSignature, ModelRecord

# Every table of the service stands in one of these; a test holds them against the migrations.
REBUILT: tuple[type[SQLModel], ...] = (
    DatasetNameRow,
    DatasetRow,
    BaseRow,
    ModelNameRow,
    ModelRow,
    AliasRow,
    AliasMoveRow,
    NodeRow,
    EdgeRow,
    GateRow,
    TombstoneRow,
    SignatureRow,
    ImportedVersionRow,
    HistoryFileRow,
)
# Emptied, and filled from the bucket by the service itself.
READ_AGAIN: tuple[type[SQLModel], ...] = (ReviewSetRow, ReviewSetReviewerRow, ReviewSetCandidateRow)
KEPT: tuple[type[SQLModel], ...] = (OutboxRow, DeliveryRow)
NUMBERED = (DatasetRow, ModelRow, AliasMoveRow)


class SqlRestorer:
    """One transaction over the tables."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.histories = SqlHistories(session)
        self._lineage = SqlLineage(session)
        self._ledger = SqlLedger(session)
        self._gates = SqlGates(session)

    def waiting_events(self) -> int:
        """Rows of the outbox."""
        return self._session.exec(select(sa.func.count()).select_from(OutboxRow)).one()

    def filled_tables(self) -> Sequence[str]:
        """Names of tables with rows."""
        return [
            _name(table)
            for table in REBUILT
            if self._session.exec(select(sa.literal(1)).select_from(table).limit(1)).first()
        ]

    def clear(self) -> None:
        """Delete every row."""
        for table in (*REBUILT, *READ_AGAIN):
            self._session.exec(sa.delete(table))

    def dataset(self, record: DatasetRecord) -> None:
        """A dataset version."""
        self._session.add(
            DatasetRow(
                id=record.id or self._next_id(DatasetRow),
                name=record.name,
                version=record.version,
                kind=record.kind,
                digest=record.digest,
                meta=dict(record.meta),
                size_bytes=record.size_bytes,
                producer=record.producer,
                registered_at=record.registered_at,
            )
        )
        self._session.flush()

    def base(self, record: BaseRecord) -> None:
        """A base."""
        self._session.add(
            BaseRow(
                digest=record.digest,
                name=record.name,
                meta=dict(record.meta),
                size_bytes=record.size_bytes,
                registered_at=record.registered_at,
            )
        )
        self._session.flush()

    def model(self, record: ModelRecord) -> None:
        """A model version."""
        row = model_row(record.made, version=record.version, registered_at=record.registered_at)
        row.id = record.id or self._next_id(ModelRow)
        self._session.add(row)
        self._session.flush()

    def move(self, move: AliasMove) -> None:
        """An entry of the ledger, and where its alias stands since; entries come kind by kind, not in their order."""
        self._session.add(
            AliasMoveRow(
                id=move.ledger_id,
                model=move.model,
                alias=move.alias,
                from_version=move.from_version,
                to_version=move.to_version,
                moved_by=move.moved_by,
                reason=move.reason,
                moved_at=move.moved_at,
                kind=move.kind,
                failed=list(move.failed),
            )
        )
        self._session.flush()
        newest = self._ledger.standing_entry(move.model, move.alias)
        if newest is not None and newest.ledger_id == move.ledger_id:
            self._ledger.place_alias(newest)

    def gate(self, gate: Gate) -> None:
        """Set, or taken away."""
        if gate.conditions:
            self._gates.put(gate)
        else:
            self._gates.remove(gate.model, gate.alias)
        self._session.flush()

    def deletion(self, key: str, deletion: Deletion) -> None:
        """A tombstone."""
        self._session.add(
            TombstoneRow(
                key=key, deleted_by=deletion.deleted_by, reason=deletion.reason, deleted_at=deletion.deleted_at
            )
        )
        self._session.flush()

    def signature(self, bundle_digest: str, signature: KeptSignature) -> None:
        """A signature of a bundle."""
        self._session.add(
            SignatureRow(
                bundle_digest=bundle_digest,
                key=signature.key,
                value=signature.value,
                signed_by=signature.signed_by,
                signed_at=signature.signed_at,
            )
        )
        self._session.flush()

    def count(self, sort: Sort, name: str, version: int, *, kind: str = "") -> None:
        """The number given last under a name."""
        if sort is Sort.DATASET:
            known = self._session.get(DatasetNameRow, name)
            owner: DatasetNameRow | ModelNameRow = known or DatasetNameRow(name=name, kind=kind, last_version=0)
        else:
            owner = self._session.get(ModelNameRow, name) or ModelNameRow(name=name, last_version=0)
        owner.last_version = max(owner.last_version, version)
        self._session.add(owner)
        self._session.flush()

    def graph(self, graph: Graph) -> None:
        """Some of the lineage."""
        self._lineage.add(graph)

    def _next_id(self, table: type[DatasetRow | ModelRow]) -> int:
        return (self._session.exec(select(sa.func.max(table.id))).one() or 0) + 1

    def finish(self) -> None:
        """PostgreSQL numbers rows from a sequence, which rows that bring their number do not move."""
        if self._session.get_bind().dialect.name == "sqlite":
            return
        for table in NUMBERED:
            name = _name(table)
            self._session.connection().execute(
                sa.text(
                    f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), "  # noqa: S608 - our own table's name
                    f"COALESCE((SELECT max(id) FROM {name}), 0) + 1, false)"
                )
            )


class SqlRestoringStore:
    """The `RestoringStore` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def restoring(self) -> Iterator[SqlRestorer]:
        """A transaction in which nobody else writes: SQLite has one writer anyway."""
        with self._database.transaction() as session:
            if not self._database.is_sqlite:
                names = ", ".join(map(_name, (*REBUILT, *READ_AGAIN, *KEPT)))
                session.connection().execute(sa.text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))
                # Streams are read between two statements, and may be long.
                session.connection().execute(sa.text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            yield SqlRestorer(session)


def _name(table: type[SQLModel]) -> str:
    return str(table.__tablename__)

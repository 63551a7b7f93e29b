"""What is written beside versions, in SQL: gates, tombstones, signatures."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, exists
from sqlmodel import Session, col, select

from shared.runtime.database import insert_or_ignore
from svc_registry.adapters.chunks import in_chunks
from svc_registry.adapters.tables import GateRow, SignatureRow, TombstoneRow
from svc_registry.domain.gates import Comparison, Condition, Gate
from svc_registry.domain.records import Deletion, KeptSignature


class SqlGates:
    """The `Gates` port."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find(self, model: str, alias: str) -> Gate | None:
        """By key."""
        row = self._session.get(GateRow, (model, alias))
        return _gate(row) if row else None

    def of_model(self, model: str) -> Sequence[Gate]:
        """By alias."""
        query = select(GateRow).where(GateRow.model == model).order_by(GateRow.alias)
        return [_gate(row) for row in self._session.exec(query)]

    def put(self, gate: Gate) -> None:
        """Insert or replace."""
        conditions = [asdict(condition) for condition in gate.conditions]
        row = GateRow(model=gate.model, alias=gate.alias, conditions=conditions, set_by=gate.set_by, set_at=gate.set_at)
        self._session.merge(row)

    def remove(self, model: str, alias: str) -> bool:
        """Delete the row."""
        row = self._session.get(GateRow, (model, alias))
        if row:
            self._session.delete(row)
            self._session.flush()
        return row is not None


class SqlTombstones:
    """The `Tombstones` port."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, key: str, *, deleted_by: str, reason: str) -> Deletion:
        """Insert; the first one stays."""
        values = {"key": key, "deleted_by": deleted_by, "reason": reason, "deleted_at": datetime.now(UTC)}
        insert_or_ignore(self._session, TombstoneRow, [values])
        return _deletion(self._session.get_one(TombstoneRow, key))

    def among(self, keys: Collection[str]) -> Mapping[str, Deletion]:
        """Some keys at a time."""
        found: dict[str, Deletion] = {}
        for some in in_chunks(keys):
            for row in self._session.exec(select(TombstoneRow).where(col(TombstoneRow.key).in_(some))):
                found[row.key] = _deletion(row)
        return found


class SqlSignatures:
    """The `Signatures` port."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, bundle_digest: str, *, key: str, value: str, signed_by: str) -> tuple[KeptSignature, bool]:
        """Insert; the first one stays."""
        values = {
            "bundle_digest": bundle_digest,
            "key": key,
            "value": value,
            "signed_by": signed_by,
            "signed_at": datetime.now(UTC),
        }
        is_new = insert_or_ignore(self._session, SignatureRow, [values]) == 1
        return _signature(self._session.get_one(SignatureRow, (bundle_digest, key))), is_new

    def of_bundles(self, digests: Collection[str]) -> Mapping[str, tuple[KeptSignature, ...]]:
        """By name of the key."""
        found: dict[str, tuple[KeptSignature, ...]] = {}
        for some in in_chunks(digests):
            query = select(SignatureRow).where(col(SignatureRow.bundle_digest).in_(some)).order_by(SignatureRow.key)
            for row in self._session.exec(query):
                found[row.bundle_digest] = (*found.get(row.bundle_digest, ()), _signature(row))
        return found


def not_deleted(key: ColumnElement[str]) -> ColumnElement[bool]:
    """For a query: there is no tombstone with this key."""
    return ~exists().where(col(TombstoneRow.key) == key)


def _gate(row: GateRow) -> Gate:
    conditions = tuple(
        Condition(**{**values, "comparison": Comparison(values["comparison"])}) for values in row.conditions
    )
    return Gate(model=row.model, alias=row.alias, conditions=conditions, set_by=row.set_by, set_at=row.set_at)


def _deletion(row: TombstoneRow) -> Deletion:
    return Deletion(deleted_by=row.deleted_by, reason=row.reason, deleted_at=row.deleted_at)


def _signature(row: SignatureRow) -> KeptSignature:
    return KeptSignature(key=row.key, value=row.value, signed_by=row.signed_by, signed_at=row.signed_at)

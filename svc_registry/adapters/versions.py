"""Dataset versions and bases in SQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import literal
from sqlmodel import Session, col, select

from shared.contracts.lineage import NodeType, dataset_key
from shared.contracts.manifest import Manifest
from shared.errors import ConflictError
from shared.runtime.database import insert_or_ignore
from svc_registry.adapters.chunks import in_chunks
from svc_registry.adapters.marks import SqlTombstones, not_deleted
from svc_registry.adapters.tables import BaseRow, DatasetNameRow, DatasetRow
from svc_registry.domain.records import BaseRecord, DatasetRecord

# A row's lineage key, as `dataset_key` makes it.
KEY = literal(f"{NodeType.DATASET}/") + col(DatasetRow.name) + "/" + col(DatasetRow.digest)


class SqlDatasets:
    """The `Datasets` port."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find(self, name: str, digest: str) -> DatasetRecord | None:
        """By key."""
        query = select(DatasetRow).where(DatasetRow.name == name, DatasetRow.digest == digest)
        return self._maybe(self._session.exec(query).one_or_none())

    def at(self, name: str, version: int) -> DatasetRecord | None:
        """By number."""
        query = select(DatasetRow).where(DatasetRow.name == name, DatasetRow.version == version)
        return self._maybe(self._session.exec(query).one_or_none())

    def newest(self, name: str) -> DatasetRecord | None:
        """The highest version that stands."""
        query = select(DatasetRow).where(DatasetRow.name == name, not_deleted(KEY))
        query = query.order_by(col(DatasetRow.version).desc()).limit(1)
        return self._maybe(self._session.exec(query).one_or_none())

    def add(self, *, name: str, digest: str, manifest: Manifest, producer: str) -> DatasetRecord:
        """Number a version under the lock of its name."""
        insert_or_ignore(self._session, DatasetNameRow, [{"name": name, "kind": manifest.kind, "last_version": 0}])
        owner = self._session.exec(select(DatasetNameRow).where(DatasetNameRow.name == name).with_for_update()).one()
        if owner.kind != manifest.kind:
            raise ConflictError(f"The name {name!r} is used for {owner.kind} datasets; this one is {manifest.kind}")
        standing = self.find(name, digest)  # another replica may have come first while the lock was waited for
        if standing:
            return standing
        owner.last_version += 1
        row = DatasetRow(
            name=name,
            version=owner.last_version,
            kind=manifest.kind,
            digest=digest,
            meta=dict(manifest.meta),
            size_bytes=sum(entry.size_bytes for entry in manifest.files),
            producer=producer,
            registered_at=datetime.now(UTC),
        )
        self._session.add(row)
        self._session.flush()
        return _record(row)

    def with_digests(self, digests: Collection[str]) -> Sequence[DatasetRecord]:
        """By digest, in as few queries as the databases' limits allow."""
        found: list[DatasetRow] = []
        for some in in_chunks(digests):
            found += self._session.exec(select(DatasetRow).where(col(DatasetRow.digest).in_(some)))
        return self._records(found)

    def page(
        self, *, name: str, kind: str, before_id: int, limit: int, include_deleted: bool = False
    ) -> Sequence[DatasetRecord]:
        """Newest first."""
        query = select(DatasetRow).order_by(col(DatasetRow.id).desc()).limit(limit)
        if not include_deleted:
            query = query.where(not_deleted(KEY))
        if name:
            query = query.where(DatasetRow.name == name)
        if kind:
            query = query.where(DatasetRow.kind == kind)
        if before_id:
            query = query.where(col(DatasetRow.id) < before_id)
        return self._records(self._session.exec(query).all())

    def _maybe(self, row: DatasetRow | None) -> DatasetRecord | None:
        return self._records([row])[0] if row else None

    def _records(self, rows: Sequence[DatasetRow]) -> list[DatasetRecord]:
        keys = [dataset_key(row.name, row.digest) for row in rows]
        deletions = SqlTombstones(self._session).among(keys)
        return [replace(_record(row), deletion=deletions.get(key)) for key, row in zip(keys, rows, strict=True)]


class SqlBases:
    """The `Bases` port."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find(self, reference: str) -> BaseRecord | None:
        """By digest, else the newest of the name."""
        row = self._session.get(BaseRow, reference)
        if row is None:
            query = (
                select(BaseRow).where(BaseRow.name == reference).order_by(col(BaseRow.registered_at).desc()).limit(1)
            )
            row = self._session.exec(query).one_or_none()
        return _base(row) if row else None

    def add(self, *, name: str, manifest: Manifest) -> bool:
        """Record a base once."""
        values = {
            "digest": manifest.digest,
            "name": name,
            "meta": dict(manifest.meta),
            "size_bytes": sum(entry.size_bytes for entry in manifest.files),
            "registered_at": datetime.now(UTC),
        }
        return insert_or_ignore(self._session, BaseRow, [values]) == 1

    def with_digests(self, digests: Collection[str]) -> Sequence[BaseRecord]:
        """By digest."""
        found: list[BaseRecord] = []
        for some in in_chunks(digests):
            found += map(_base, self._session.exec(select(BaseRow).where(col(BaseRow.digest).in_(some))))
        return found

    def all(self) -> Sequence[BaseRecord]:
        """By name."""
        return [_base(row) for row in self._session.exec(select(BaseRow).order_by(BaseRow.name))]


def _record(row: DatasetRow) -> DatasetRecord:
    assert row.id is not None, "the row is stored"
    return DatasetRecord(
        id=row.id,
        name=row.name,
        version=row.version,
        kind=row.kind,
        digest=row.digest,
        meta=row.meta,
        size_bytes=row.size_bytes,
        producer=row.producer,
        registered_at=row.registered_at,
    )


def _base(row: BaseRow) -> BaseRecord:
    return BaseRecord(
        name=row.name, digest=row.digest, meta=row.meta, size_bytes=row.size_bytes, registered_at=row.registered_at
    )

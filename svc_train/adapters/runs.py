"""Runs and stored bases in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlmodel import Session, col, select, update

from shared.contracts.versions import DatasetVersion
from shared.contracts.work import WorkState
from shared.runtime.database import insert_or_ignore
from shared.runtime.work import WorkRow
from svc_train.adapters.tables import RunRow, StoredBaseRow


class SqlRuns:
    """The `Runs` port."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, run_id: str, *, model: str) -> None:
        """Enter a run once."""
        unresolved = {"dataset_name": "", "dataset_version": 0, "dataset_digest": "", "dataset_kind": ""}
        insert_or_ignore(self._session, RunRow, [{"run_id": run_id, "model": model, **unresolved}])

    def ids(self, *, model: str, state: WorkState | None, limit: int) -> Sequence[str]:
        """Newest first."""
        query = (
            select(RunRow.run_id)
            .join(WorkRow, col(WorkRow.id) == col(RunRow.run_id))
            .where(RunRow.model == model)
            .order_by(col(WorkRow.created_at).desc())
            .limit(limit)
        )
        if state is not None:
            query = query.where(WorkRow.state == state)
        return self._session.exec(query).all()

    def pin_dataset(self, run_id: str, dataset: DatasetVersion) -> None:
        """Keep the resolved version."""
        self._session.exec(
            update(RunRow)
            .where(col(RunRow.run_id) == run_id)
            .values(
                dataset_name=dataset.name,
                dataset_version=dataset.version,
                dataset_digest=dataset.digest,
                dataset_kind=dataset.kind,
            )
        )

    def pinned_dataset(self, run_id: str) -> DatasetVersion | None:
        """The resolved version."""
        row = self._session.get(RunRow, run_id)
        if row is None or not row.dataset_digest:
            return None
        return DatasetVersion(
            name=row.dataset_name, digest=row.dataset_digest, version=row.dataset_version, kind=row.dataset_kind
        )


class SqlBases:
    """The `Bases` port."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find(self, name: str, fingerprint: str) -> str | None:
        """By name and fingerprint."""
        row = self._session.get(StoredBaseRow, (name, fingerprint))
        return row.digest if row else None

    def add(self, name: str, fingerprint: str, digest: str) -> None:
        """Remember, also when another digest stood there."""
        self._session.merge(StoredBaseRow(name=name, fingerprint=fingerprint, digest=digest))

    def all(self, fingerprint: str) -> Mapping[str, str]:
        """Name -> digest."""
        rows = self._session.exec(select(StoredBaseRow).where(StoredBaseRow.fingerprint == fingerprint))
        return {row.name: row.digest for row in rows}

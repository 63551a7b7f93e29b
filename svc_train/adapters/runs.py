"""Runs and stored bases in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlmodel import Session, col, select, update

from shared.contracts.versions import BaseVersion, DatasetVersion, ModelVersion
from shared.contracts.work import Failure, WorkState
from shared.runtime.database import insert_or_ignore
from shared.runtime.work import WorkRow
from svc_train.adapters.tables import RunRow, StoredBaseRow
from svc_train.domain.run import RunNotes


class SqlRuns:
    """The `Runs` port."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, run_id: str, *, model: str, parent_run: str = "") -> None:
        """Enter a run once."""
        unresolved = {"dataset_name": "", "dataset_version": 0, "dataset_digest": "", "dataset_kind": "", "parent": {}}
        unnoted: dict[str, Any] = {"retried_with": {}, "last_failure": {}}
        row = {"run_id": run_id, "model": model, "parent_run": parent_run, "wall_s": 0.0, **unresolved, **unnoted}
        insert_or_ignore(self._session, RunRow, [row])

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

    def pin_parent(self, run_id: str, parent: ModelVersion) -> None:
        """Keep the resolved version."""
        self._session.exec(update(RunRow).where(col(RunRow.run_id) == run_id).values(parent=asdict(parent)))

    def pinned_parent(self, run_id: str) -> ModelVersion | None:
        """The resolved version."""
        row = self._session.get(RunRow, run_id)
        if row is None or not row.parent:
            return None
        return ModelVersion(**{**row.parent, "base": BaseVersion(**row.parent["base"])})

    def children(self, run_id: str) -> Sequence[str]:
        """By the run they named."""
        return self._session.exec(select(RunRow.run_id).where(RunRow.parent_run == run_id)).all()

    def add_wall_time(self, run_id: str, seconds: float) -> None:
        """Count on in the database, for each attempt adds its own."""
        longer = col(RunRow.wall_s) + seconds
        self._session.exec(update(RunRow).where(col(RunRow.run_id) == run_id).values(wall_s=longer))

    def wall_s(self, run_id: str) -> float:
        """Over all attempts."""
        return self._session.exec(select(RunRow.wall_s).where(RunRow.run_id == run_id)).one_or_none() or 0.0

    def retry_with(self, run_id: str, changed: Mapping[str, Any]) -> None:
        """Note what was changed."""
        self._session.exec(update(RunRow).where(col(RunRow.run_id) == run_id).values(retried_with=dict(changed)))

    def note_failure(self, run_id: str, failure: Failure) -> None:
        """Note how an attempt ended."""
        self._session.exec(update(RunRow).where(col(RunRow.run_id) == run_id).values(last_failure=asdict(failure)))

    def notes(self, run_ids: Sequence[str]) -> Mapping[str, RunNotes]:
        """Of all, in one query."""
        query = select(RunRow.run_id, RunRow.retried_with, RunRow.last_failure).where(col(RunRow.run_id).in_(run_ids))
        return {
            run_id: RunNotes(retried_with=changed, last_failure=_failure(failure))
            for run_id, changed, failure in self._session.exec(query)
        }


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


def _failure(recorded: Mapping[str, Any]) -> Failure | None:
    return Failure(**{**recorded, "evidence": tuple(recorded["evidence"])}) if recorded else None

"""What is kept of imported histories, in SQL."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session, col, select, update

from svc_registry.adapters.chunks import in_chunks
from svc_registry.adapters.tables import HistoryFileRow, ImportedVersionRow, ModelRow
from svc_registry.domain.history import HistoryFile, ImportedVersion

# Any number that nothing else in the service's schema locks.
IMPORT_LOCK = 7_305_413_908


class SqlHistories:
    """The `Histories` port."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def one_at_a_time(self) -> None:
        """An advisory lock on PostgreSQL; on SQLite the transaction itself has no other beside it."""
        if self._session.get_bind().dialect.name != "sqlite":
            self._session.connection().execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": IMPORT_LOCK})

    def imported(self, run_ids: Sequence[str]) -> Mapping[str, ImportedVersion]:
        """By key."""
        found: dict[str, ImportedVersion] = {}
        for some in in_chunks(run_ids):
            for row in self._session.exec(select(ImportedVersionRow).where(col(ImportedVersionRow.run_id).in_(some))):
                found[row.run_id] = ImportedVersion(
                    run_id=row.run_id,
                    base_model=row.base_model,
                    entry=json.loads(row.entry),
                    checkpoint=row.checkpoint,
                    checkpoint_digest=row.checkpoint_digest,
                )
        return found

    def add(self, version: ImportedVersion) -> None:
        """As it was written."""
        self._session.add(
            ImportedVersionRow(
                run_id=version.run_id,
                base_model=version.base_model,
                entry=_json(version.entry),
                checkpoint=version.checkpoint,
                checkpoint_digest=version.checkpoint_digest,
            )
        )
        self._session.flush()

    def claim(self, version: ImportedVersion, *, stage: str) -> None:
        """Two updates, of which the second finds nothing where the stage is known."""
        kept = col(ImportedVersionRow.run_id) == version.run_id
        values = {"checkpoint": version.checkpoint, "checkpoint_digest": version.checkpoint_digest}
        self._session.exec(update(ImportedVersionRow).where(kept).values(**values))
        unknown = (col(ModelRow.run_id) == version.run_id) & (col(ModelRow.stage) == "")
        self._session.exec(update(ModelRow).where(unknown).values(stage=stage))

    def file(self, path: str) -> HistoryFile | None:
        """By key."""
        row = self._session.get(HistoryFileRow, path)
        return _file(row) if row else None

    def file_of(self, run_id: str) -> HistoryFile | None:
        """By run."""
        query = select(HistoryFileRow).where(HistoryFileRow.run_id == run_id)
        row = self._session.exec(query.order_by(col(HistoryFileRow.imported_at).desc()).limit(1)).one_or_none()
        return _file(row) if row else None

    def put_file(self, file: HistoryFile, *, imported_by: str, imported_at: datetime) -> None:
        """Insert or replace."""
        row = HistoryFileRow(
            path=file.path,
            run_id=file.run_id,
            document=_json(file.document),
            imported_by=imported_by,
            imported_at=imported_at,
        )
        self._session.merge(row)
        self._session.flush()

    def files_after(self, *, model: str, after: str, limit: int) -> Sequence[HistoryFile]:
        """By path."""
        query = select(HistoryFileRow).where(HistoryFileRow.path > after).order_by(HistoryFileRow.path).limit(limit)
        if model:
            query = query.join(ModelRow, col(ModelRow.run_id) == HistoryFileRow.run_id).where(ModelRow.name == model)
        return [_file(row) for row in self._session.exec(query)]


def _file(row: HistoryFileRow) -> HistoryFile:
    return HistoryFile(path=row.path, run_id=row.run_id, document=json.loads(row.document))


def _json(value: Mapping[str, Any]) -> str:
    """In the order as written, control characters escaped: PostgreSQL's text knows no NUL."""
    return json.dumps(value, allow_nan=False)

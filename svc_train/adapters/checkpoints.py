"""Which checkpoints are whole in the object store, in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlmodel import Session, and_, col, delete, or_, select

from svc_train.adapters.tables import CheckpointRow
from svc_train.domain.checkpoints import Monitor, SavedCheckpoint


class SqlCheckpoints:
    """The `Checkpoints` port."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, checkpoint: SavedCheckpoint) -> None:
        """Enter one, also when an upload of the same was entered before."""
        monitor = checkpoint.monitor or Monitor(name="", value=0.0)
        self._session.merge(
            CheckpointRow(
                run_id=checkpoint.run_id,
                attempt=checkpoint.attempt,
                step=checkpoint.step,
                digest=checkpoint.digest,
                size_bytes=checkpoint.size_bytes,
                saved_at=checkpoint.saved_at,
                monitor_name=monitor.name,
                monitor_value=monitor.value,
                larger_is_better=monitor.larger_is_better,
            )
        )
        self._session.flush()

    def of(self, run_id: str) -> Sequence[SavedCheckpoint]:
        """The furthest first; of one step, the newest attempt's first."""
        query = (
            select(CheckpointRow)
            .where(CheckpointRow.run_id == run_id)
            .order_by(col(CheckpointRow.step).desc(), col(CheckpointRow.attempt).desc())
        )
        return [_checkpoint(row) for row in self._session.exec(query)]

    def furthest(self, run_ids: Sequence[str]) -> Mapping[str, SavedCheckpoint]:
        """In one query: a run keeps a handful at most."""
        query = (
            select(CheckpointRow)
            .where(col(CheckpointRow.run_id).in_(run_ids))
            .order_by(col(CheckpointRow.step), col(CheckpointRow.attempt))
        )
        return {row.run_id: _checkpoint(row) for row in self._session.exec(query)}

    def run_ids(self) -> Sequence[str]:
        """Each once."""
        return self._session.exec(select(CheckpointRow.run_id).distinct()).all()

    def remove(self, checkpoints: Sequence[SavedCheckpoint]) -> None:
        """Delete by key."""
        if checkpoints:
            keys = [
                and_(
                    col(CheckpointRow.run_id) == one.run_id,
                    col(CheckpointRow.attempt) == one.attempt,
                    col(CheckpointRow.step) == one.step,
                )
                for one in checkpoints
            ]
            self._session.exec(delete(CheckpointRow).where(or_(*keys)))


def _checkpoint(row: CheckpointRow) -> SavedCheckpoint:
    monitor = Monitor(name=row.monitor_name, value=row.monitor_value, larger_is_better=row.larger_is_better)
    return SavedCheckpoint(
        run_id=row.run_id,
        attempt=row.attempt,
        step=row.step,
        digest=row.digest,
        size_bytes=row.size_bytes,
        saved_at=row.saved_at,
        monitor=monitor if row.monitor_name else None,
    )

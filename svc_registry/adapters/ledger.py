"""The ledger of aliases in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlmodel import Session, col, select

from svc_registry.adapters.tables import AliasMoveRow, AliasRow, ModelNameRow
from svc_registry.domain.ledger import MoveKind
from svc_registry.domain.records import AliasMove, NewMove


class SqlLedger:
    """The `Ledger` port."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def lock(self, model: str) -> None:
        """Hold the row of the model's name."""
        self._session.exec(select(ModelNameRow).where(ModelNameRow.name == model).with_for_update()).one_or_none()

    def standing(self, model: str, alias: str) -> AliasMove | None:
        """By the alias's own row."""
        standing = self._session.get(AliasRow, (model, alias), populate_existing=True)
        return move_of(self._session.get_one(AliasMoveRow, standing.ledger_id)) if standing else None

    def enter(self, move: NewMove) -> AliasMove:
        """Add the entry, and put the alias where it says."""
        row = AliasMoveRow(
            model=move.model,
            alias=move.alias,
            from_version=move.from_version,
            to_version=move.to_version,
            moved_by=move.moved_by,
            reason=move.reason,
            moved_at=datetime.now(UTC),
            kind=move.kind,
            failed=list(move.failed),
        )
        self._session.add(row)
        self._session.flush()
        assert row.id is not None, "the row is stored"
        self._place_alias(move, row.id)
        return move_of(row)

    def entries(self, model: str, alias: str) -> Sequence[AliasMove]:
        """Oldest first."""
        query = (
            select(AliasMoveRow)
            .where(AliasMoveRow.model == model, AliasMoveRow.alias == alias)
            .order_by(col(AliasMoveRow.id))
        )
        return [move_of(row) for row in self._session.exec(query)]

    def page(self, model: str, *, alias: str, limit: int) -> Sequence[AliasMove]:
        """Newest first."""
        query = select(AliasMoveRow).where(AliasMoveRow.model == model).order_by(col(AliasMoveRow.id).desc())
        if alias:
            query = query.where(AliasMoveRow.alias == alias)
        return [move_of(row) for row in self._session.exec(query.limit(limit))]

    def _place_alias(self, move: NewMove, ledger_id: int) -> None:
        if move.kind is MoveKind.REFUSED:
            return
        if move.kind is MoveKind.CLEARED:
            self._session.delete(self._session.get_one(AliasRow, (move.model, move.alias)))
        else:
            row = AliasRow(model=move.model, alias=move.alias, ledger_id=ledger_id, version=move.to_version)
            self._session.merge(row)
        self._session.flush()


def move_of(row: AliasMoveRow) -> AliasMove:
    """A row as an entry."""
    assert row.id is not None, "the row is stored"
    return AliasMove(
        ledger_id=row.id,
        model=row.model,
        alias=row.alias,
        kind=MoveKind(row.kind),
        from_version=row.from_version,
        to_version=row.to_version,
        moved_by=row.moved_by,
        reason=row.reason,
        failed=tuple(row.failed),
        moved_at=row.moved_at,
    )

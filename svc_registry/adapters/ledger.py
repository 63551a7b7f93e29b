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
        entry = move_of(row)
        self.place_alias(entry)
        return entry

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

    def standing_entry(self, model: str, alias: str) -> AliasMove | None:
        """The newest entry that was no refusal, by the ledger alone."""
        query = (
            select(AliasMoveRow)
            .where(AliasMoveRow.model == model, AliasMoveRow.alias == alias, AliasMoveRow.kind != MoveKind.REFUSED)
            .order_by(col(AliasMoveRow.id).desc())
            .limit(1)
        )
        row = self._session.exec(query).one_or_none()
        return move_of(row) if row else None

    def place_alias(self, move: AliasMove) -> None:
        """Put the alias where an entry says; a refusal leaves it."""
        if move.kind is MoveKind.REFUSED:
            return
        if move.kind is MoveKind.CLEARED:
            standing = self._session.get(AliasRow, (move.model, move.alias))
            if standing:
                self._session.delete(standing)
        else:
            self._session.merge(
                AliasRow(model=move.model, alias=move.alias, ledger_id=move.ledger_id, version=move.to_version)
            )
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

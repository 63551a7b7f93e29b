"""Aliases move, and the ledger keeps each move and each refusal."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.contracts.names import check_name
from shared.errors import NotFoundError, StateError
from svc_registry.domain.events import AliasCleared, ModelPromoted, PromotionRefused
from svc_registry.domain.gates import Measured, failed_conditions
from svc_registry.domain.ledger import MoveKind, rollback_target, standing_at
from svc_registry.domain.records import AliasMove, ModelRecord, NewMove
from svc_registry.ports import RegistryStore, RegistryTransaction
from svc_registry.use_cases.finding import find_version


def promote(
    store: RegistryStore, *, name: str, version: int, alias: str, moved_by: str, reason: str, force: bool = False
) -> AliasMove:
    """Move an alias to a version, enter it in the ledger and announce it; the same move twice changes nothing.

    `force` moves it even though its gate refuses: the caller has seen to it that `moved_by` may.

    Raises:
        StateError: the gate refuses the version; the ledger keeps that too.
    """
    check_name("alias", alias)
    with store.transaction() as tx:
        tx.ledger.lock(name)
        record = find_version(tx, name, version)
        standing = tx.ledger.standing(name, alias)
        if standing and standing.to_version == version:
            return standing
        failed = _failed(tx, record, alias, standing)
        move = NewMove(
            model=name,
            alias=alias,
            kind=MoveKind.FORCED if failed else MoveKind.MOVED,
            from_version=standing.to_version if standing else 0,
            to_version=version,
            moved_by=moved_by,
            reason=reason,
            failed=failed,
        )
        if force or not failed:
            return _move(tx, record, move)
        _refuse(tx, record, replace(move, kind=MoveKind.REFUSED))
    # Only now, so that the refusal is kept.
    raise StateError(f"{record} may not have the alias {alias!r} yet: {'; '.join(failed)}")


def roll_back(store: RegistryStore, *, name: str, alias: str, moved_by: str, reason: str) -> AliasMove:
    """Move an alias back to the version before; see `rollback_target`. No gate is asked."""
    check_name("alias", alias)
    with store.transaction() as tx:
        tx.ledger.lock(name)
        entries = tx.ledger.entries(name, alias)
        if not entries:
            raise NotFoundError(f"No version of {name!r} has had the alias {alias!r}")
        deleted = {
            entry.to_version for entry in entries if (found := tx.models.at(name, entry.to_version)) and found.deletion
        }
        version = rollback_target(entries, unusable=deleted)
        if not version:
            raise StateError(f"The alias {alias!r} of {name!r} has named no version before that is left")
        standing = tx.ledger.standing(name, alias)
        move = NewMove(
            model=name,
            alias=alias,
            kind=MoveKind.ROLLED_BACK,
            from_version=standing.to_version if standing else 0,
            to_version=version,
            moved_by=moved_by,
            reason=reason,
        )
        return _move(tx, find_version(tx, name, version), move)


def clear_alias(store: RegistryStore, *, name: str, alias: str, moved_by: str, reason: str) -> AliasMove:
    """Take an alias away, enter it in the ledger and announce it."""
    check_name("alias", alias)
    with store.transaction() as tx:
        tx.ledger.lock(name)
        standing = tx.ledger.standing(name, alias)
        if standing is None:
            raise NotFoundError(f"No version of {name!r} has the alias {alias!r}")
        move = tx.ledger.enter(
            NewMove(
                model=name,
                alias=alias,
                kind=MoveKind.CLEARED,
                from_version=standing.to_version,
                to_version=0,
                moved_by=moved_by,
                reason=reason,
            )
        )
        tx.outbox.add(AliasCleared(move=move, cleared=find_version(tx, name, standing.to_version).ref))
        return move


def serving(tx: RegistryTransaction, *, name: str, alias: str, at: datetime) -> tuple[ModelRecord, AliasMove]:
    """The version that an alias named at a moment, deleted since or not, and the entry that had put it there."""
    move = standing_at(tx.ledger.entries(name, alias), at)
    record = tx.models.at(name, move.to_version) if move and move.to_version else None
    if move is None or record is None:
        raise NotFoundError(f"No version of {name!r} had the alias {alias!r} at {at.isoformat(timespec='seconds')}")
    return record, move


def _failed(tx: RegistryTransaction, record: ModelRecord, alias: str, standing: AliasMove | None) -> tuple[str, ...]:
    gate = tx.gates.find(record.made.name, alias)
    if gate is None:
        return ()
    holder = tx.models.at(record.made.name, standing.to_version) if standing else None
    return failed_conditions(gate.conditions, _measured(record), _measured(holder) if holder else None)


def _measured(record: ModelRecord) -> Measured:
    return Measured(name=str(record), metrics=record.made.metrics)


def _move(tx: RegistryTransaction, record: ModelRecord, move: NewMove) -> AliasMove:
    entry = tx.ledger.enter(move)
    tx.outbox.add(ModelPromoted(move=entry, run_id=record.made.run_id, bundle_digest=record.made.bundle_digest))
    return entry


def _refuse(tx: RegistryTransaction, record: ModelRecord, move: NewMove) -> None:
    """Keep a refusal; one that only repeats the newest entry, as a caller's retry does, is not kept again."""
    newest = next(iter(tx.ledger.page(move.model, alias=move.alias, limit=1)), None)
    if newest and _content(newest) == _content(move):
        return
    tx.outbox.add(PromotionRefused(move=tx.ledger.enter(move), run_id=record.made.run_id))


def _content(move: NewMove | AliasMove) -> tuple[object, ...]:
    return (move.kind, move.from_version, move.to_version, move.moved_by, move.reason, move.failed)

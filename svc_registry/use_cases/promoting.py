"""Aliases move, and the ledger keeps each move and each refusal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from shared.contracts.names import check_name
from shared.errors import NotFoundError, StateError
from svc_registry.domain.events import AliasCleared, ModelPromoted, PromotionRefused
from svc_registry.domain.gates import Measured, failed_conditions
from svc_registry.domain.ledger import MoveKind, rollback_target, standing_at
from svc_registry.domain.records import AliasMove, ModelRecord, NewMove
from svc_registry.ports import RegistryStore, RegistryTransaction
from svc_registry.use_cases.finding import find_version, with_bundle


def promote(
    store: RegistryStore, *, name: str, version: int, alias: str, moved_by: str, reason: str, force: bool = False
) -> AliasMove:
    """Move an alias to a version, enter it in the ledger and announce it; the same move twice changes nothing.

    `force` moves it even though its gate refuses: the caller has seen to it that `moved_by` may.

    Raises:
        StateError: the gate refuses the version, which the ledger keeps too; or the version has no bundle.
    """
    check_name("alias", alias)
    with store.transaction() as tx:
        tx.ledger.lock(name)
        record = with_bundle(find_version(tx, name, version))
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


def roll_back(
    store: RegistryStore, *, name: str, alias: str, moved_by: str, reason: str, from_version: int = 0
) -> AliasMove:
    """Move an alias back to the version before; see `rollback_target`. No gate is asked.

    With `from_version`, where the caller saw the alias stand, the same rollback twice is one.

    Raises:
        StateError: there is no version before, or the alias stands elsewhere.
    """
    check_name("alias", alias)
    with store.transaction() as tx:
        tx.ledger.lock(name)
        entries = tx.ledger.entries(name, alias)
        if not entries:
            raise NotFoundError(f"No version of {name!r} has had the alias {alias!r}")
        standing = tx.ledger.standing(name, alias)
        stands = standing.to_version if standing else 0
        if standing and standing.kind is MoveKind.ROLLED_BACK and from_version == standing.from_version:
            return standing
        if from_version not in {0, stands}:
            raise StateError(f"The alias {alias!r} names {name}@{stands} now, not @{from_version}: somebody moved it")
        move = NewMove(
            model=name,
            alias=alias,
            kind=MoveKind.ROLLED_BACK,
            from_version=stands,
            to_version=_version_before(tx, name, alias, entries),
            moved_by=moved_by,
            reason=reason,
        )
        return _move(tx, find_version(tx, name, move.to_version), move)


def _version_before(tx: RegistryTransaction, name: str, alias: str, entries: Sequence[AliasMove]) -> int:
    versions = {entry.to_version for entry in entries}
    deleted = {version for version in versions if (found := tx.models.at(name, version)) and found.deletion}
    version = rollback_target(entries, unusable=deleted)
    if not version:
        raise StateError(f"The alias {alias!r} of {name!r} has named no version before that is left")
    return version


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

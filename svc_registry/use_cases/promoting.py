"""Aliases move, and the ledger keeps each move."""

from __future__ import annotations

from shared.contracts.names import check_name
from shared.errors import NotFoundError, StateError
from svc_registry.domain.events import ModelPromoted
from svc_registry.domain.records import AliasMove
from svc_registry.ports import RegistryStore


def promote(store: RegistryStore, *, name: str, version: int, alias: str, moved_by: str, reason: str) -> AliasMove:
    """Move an alias to a version, enter it in the ledger and announce it; the same move twice changes nothing."""
    check_name("alias", alias)
    with store.transaction() as tx:
        record = tx.models.at(name, version)
        if record is None:
            raise NotFoundError(f"There is no model version {name}@{version}")
        if not record.made.bundle_digest:
            raise StateError(f"{name}@{version} was imported without a bundle, so that nobody could serve it")
        move, is_new = tx.models.move_alias(record, alias, moved_by=moved_by, reason=reason)
        if is_new:
            made = record.made
            tx.outbox.add(ModelPromoted(move=move, run_id=made.run_id, bundle_digest=made.bundle_digest))
        return move

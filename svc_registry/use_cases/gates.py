"""Gates are set and taken away; both are announced."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from shared.contracts.names import check_name
from shared.errors import NotFoundError
from svc_registry.domain.events import GateChanged
from svc_registry.domain.gates import Condition, Gate, checked_conditions
from svc_registry.ports import RegistryStore


def set_gate(store: RegistryStore, *, model: str, alias: str, conditions: Sequence[Condition], set_by: str) -> Gate:
    """Put a gate before an alias; the same gate twice changes nothing."""
    gate = Gate(
        model=check_name("model", model),
        alias=check_name("alias", alias),
        conditions=checked_conditions(conditions),
        set_by=set_by,
        set_at=datetime.now(UTC),
    )
    with store.transaction() as tx:
        standing = tx.gates.find(model, alias)
        if standing and standing.conditions == gate.conditions:
            return standing
        tx.gates.put(gate)
        tx.outbox.add(GateChanged(gate=gate))
        return gate


def delete_gate(store: RegistryStore, *, model: str, alias: str, deleted_by: str) -> None:
    """Take a gate away."""
    with store.transaction() as tx:
        if not tx.gates.remove(model, alias):
            raise NotFoundError(f"There is no gate before the alias {alias!r} of {model!r}")
        tx.outbox.add(
            GateChanged(gate=Gate(model=model, alias=alias, conditions=(), set_by=deleted_by, set_at=datetime.now(UTC)))
        )

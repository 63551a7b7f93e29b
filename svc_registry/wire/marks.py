"""What stands beside versions, in and out: ledger entries, gates, deletions, signatures."""

from __future__ import annotations

from collections.abc import Sequence

from shared.errors import InvalidInputError
from shared.runtime.convert import timestamp
from svc_registry.domain.gates import Comparison, Condition, Gate
from svc_registry.domain.ledger import MoveKind
from svc_registry.domain.records import AliasMove, Deletion, KeptSignature
from upwell.registry.v1 import marks_pb2 as pb
from upwell.registry.v1 import registry_service_pb2 as registry

KINDS = {
    MoveKind.MOVED: pb.MOVE_KIND_MOVED,
    MoveKind.REFUSED: pb.MOVE_KIND_REFUSED,
    MoveKind.FORCED: pb.MOVE_KIND_FORCED,
    MoveKind.ROLLED_BACK: pb.MOVE_KIND_ROLLED_BACK,
    MoveKind.CLEARED: pb.MOVE_KIND_CLEARED,
}
KINDS_BACK = {
    pb.MOVE_KIND_UNSPECIFIED: MoveKind.MOVED,
    **{message: value for value, message in KINDS.items()},
}
COMPARISONS = {
    Comparison.AT_LEAST: pb.COMPARISON_AT_LEAST,
    Comparison.AT_MOST: pb.COMPARISON_AT_MOST,
    Comparison.BETTER_THAN_HOLDER: pb.COMPARISON_BETTER_THAN_HOLDER,
    Comparison.NOT_WORSE_THAN_HOLDER: pb.COMPARISON_NOT_WORSE_THAN_HOLDER,
}
COMPARISONS_BACK = {message: value for value, message in COMPARISONS.items()}


def move_message(move: AliasMove) -> registry.AliasMove:
    """A ledger entry for the caller."""
    return registry.AliasMove(
        ledger_id=move.ledger_id,
        model=move.model,
        alias=move.alias,
        from_version=move.from_version,
        to_version=move.to_version,
        moved_by=move.moved_by,
        reason=move.reason,
        moved_at=timestamp(move.moved_at),
        kind=KINDS[move.kind],
        failed_conditions=move.failed,
    )


def gate_message(gate: Gate) -> pb.Gate:
    """A gate for the caller."""
    return pb.Gate(
        model=gate.model,
        alias=gate.alias,
        conditions=[_condition_message(condition) for condition in gate.conditions],
        set_by=gate.set_by,
        set_at=timestamp(gate.set_at),
    )


def _condition_message(condition: Condition) -> pb.Condition:
    return pb.Condition(
        metric=condition.metric,
        comparison=COMPARISONS[condition.comparison],
        value=condition.value,
        smaller_is_better=condition.smaller_is_better,
        size_metric=condition.size_metric,
        minimum_size=condition.minimum_size,
    )


def conditions_of(messages: Sequence[pb.Condition]) -> tuple[Condition, ...]:
    """Conditions as values; InvalidInputError names the one that has no comparison."""
    return tuple(_condition(f"conditions[{place}]", message) for place, message in enumerate(messages))


def _condition(field: str, message: pb.Condition) -> Condition:
    if message.comparison not in COMPARISONS_BACK:
        allowed = ", ".join(pb.Comparison.Name(value) for value in COMPARISONS_BACK)
        raise InvalidInputError.of(f"{field}.comparison", f"{message.comparison} is none: use {allowed}")
    return Condition(
        metric=message.metric,
        comparison=COMPARISONS_BACK[message.comparison],
        value=message.value,
        smaller_is_better=message.smaller_is_better,
        size_metric=message.size_metric,
        minimum_size=message.minimum_size,
    )


def deletion_message(deletion: Deletion | None) -> pb.Deletion | None:
    """A deletion; None stays None, an absent field."""
    if deletion is None:
        return None
    return pb.Deletion(
        deleted_by=deletion.deleted_by, reason=deletion.reason, deleted_at=timestamp(deletion.deleted_at)
    )


def signature_message(signature: KeptSignature) -> pb.Signature:
    """A signature for the caller."""
    return pb.Signature(
        key=signature.key,
        value=signature.value,
        signed_by=signature.signed_by,
        signed_at=timestamp(signature.signed_at),
    )

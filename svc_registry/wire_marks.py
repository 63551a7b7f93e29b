"""Between what stands beside versions and protobuf: ledger entries, gates, deletions, signatures."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.message import Message

from shared.contracts.versions import ModelRef
from shared.errors import InvalidInputError
from shared.runtime.convert import dataset_ref, model_ref, timestamp
from svc_registry.domain.events import (
    AliasCleared,
    DatasetArchived,
    GateChanged,
    ModelArchived,
    ModelPromoted,
    ModelSigned,
    PromotionRefused,
)
from svc_registry.domain.gates import Comparison, Condition, Gate
from svc_registry.domain.ledger import MoveKind
from svc_registry.domain.records import AliasMove, Deletion, KeptSignature
from upwell.common.v1 import common_pb2 as common
from upwell.registry.v1 import events_pb2 as events
from upwell.registry.v1 import mark_events_pb2 as mark_events
from upwell.registry.v1 import marks_pb2 as pb
from upwell.registry.v1 import registry_service_pb2 as registry

EntryEvent = ModelPromoted | PromotionRefused | AliasCleared
MarkEvent = EntryEvent | GateChanged | ModelArchived | DatasetArchived | ModelSigned
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


def mark_message(event: MarkEvent) -> tuple[Message, str]:
    """An event and its natural key."""
    match event:
        case ModelPromoted() | PromotionRefused() | AliasCleared():
            return _entry_message(event), str(event.move.ledger_id)
        case GateChanged():
            gate = event.gate
            message = mark_events.GateChanged(gate=gate_message(gate))
            return message, f"{gate.model}/{gate.alias}/{gate.set_at.isoformat()}"
        case ModelArchived():
            archived = mark_events.ModelArchived(
                model=model_ref(event.model),
                bundle_digest=event.bundle_digest,
                deletion=deletion_message(event.deletion),
            )
            return archived, event.model.run_id
        case DatasetArchived():
            gone = mark_events.DatasetArchived(
                dataset=dataset_ref(event.dataset), deletion=deletion_message(event.deletion)
            )
            return gone, f"{event.dataset.name}/{event.dataset.digest}"
        case ModelSigned():
            signed = mark_events.ModelSigned(
                model=model_ref(event.model),
                bundle_digest=event.bundle_digest,
                signature=signature_message(event.signature),
            )
            return signed, f"{event.bundle_digest}/{event.signature.key}"


def _entry_message(event: EntryEvent) -> Message:
    match event:
        case ModelPromoted():
            return _promoted(event)
        case PromotionRefused():
            return _refused(event)
        case AliasCleared():
            return _cleared(event)


def _promoted(event: ModelPromoted) -> events.ModelPromoted:
    move = event.move
    return events.ModelPromoted(
        model=common.ModelRef(name=move.model, version=move.to_version, run_id=event.run_id),
        alias=move.alias,
        bundle_digest=event.bundle_digest,
        previous_version=move.from_version,
        ledger_id=move.ledger_id,
        moved_by=move.moved_by,
        moved_at=timestamp(move.moved_at),
        reason=move.reason,
        kind=KINDS[move.kind],
        failed_conditions=move.failed,
    )


def _refused(event: PromotionRefused) -> mark_events.PromotionRefused:
    move = event.move
    return mark_events.PromotionRefused(
        model=model_ref(ModelRef(name=move.model, version=move.to_version, run_id=event.run_id)),
        alias=move.alias,
        failed_conditions=move.failed,
        standing_version=move.from_version,
        ledger_id=move.ledger_id,
        asked_by=move.moved_by,
        reason=move.reason,
        refused_at=timestamp(move.moved_at),
    )


def _cleared(event: AliasCleared) -> mark_events.AliasCleared:
    move = event.move
    return mark_events.AliasCleared(
        model=model_ref(event.cleared),
        alias=move.alias,
        ledger_id=move.ledger_id,
        cleared_by=move.moved_by,
        reason=move.reason,
        cleared_at=timestamp(move.moved_at),
    )


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

"""Events of the catalogue out."""

from __future__ import annotations

from google.protobuf.message import Message

from shared.contracts.versions import ModelRef
from shared.runtime.convert import dataset_ref, failure_message, model_ref, timestamp
from svc_registry.domain.events import (
    AliasCleared,
    BaseRegistered,
    DatasetArchived,
    DatasetRegistered,
    DatasetRejected,
    GateChanged,
    HistoryImported,
    ModelArchived,
    ModelPromoted,
    ModelRegistered,
    ModelRejected,
    ModelSigned,
    PromotionRefused,
    RegistryEvent,
)
from svc_registry.wire.marks import KINDS, deletion_message, gate_message, signature_message
from upwell.common.v1 import common_pb2 as common
from upwell.registry.v1 import events_pb2 as events
from upwell.registry.v1 import mark_events_pb2 as mark_events

EntryEvent = ModelPromoted | PromotionRefused | AliasCleared
MarkEvent = EntryEvent | GateChanged | ModelArchived | DatasetArchived | ModelSigned


def to_message(event: RegistryEvent) -> tuple[Message, str]:
    """An event and its natural key."""
    match event:
        case DatasetRegistered():
            return _dataset_registered(event), f"{event.name}/{event.digest}"
        case DatasetRejected() | ModelRejected():
            return _rejected(event)
        case BaseRegistered():
            base = common.BaseRef(name=event.name, digest=event.digest)
            return events.BaseRegistered(base=base, registered_at=timestamp(event.registered_at)), event.digest
        case ModelRegistered():
            return _model_registered(event), event.run_id
        case HistoryImported():
            return _history_imported(event), f"{event.path}/{event.imported_at.isoformat()}"
        case _:
            return _mark_message(event)


def _rejected(event: DatasetRejected | ModelRejected) -> tuple[Message, str]:
    failure = failure_message(event.failure)
    if isinstance(event, ModelRejected):
        model = common.ModelRef(name=event.name, run_id=event.run_id)
        return events.ModelRejected(model=model, failure=failure), event.run_id
    dataset = common.DatasetRef(name=event.name, manifest_digest=event.digest)
    return events.DatasetRejected(dataset=dataset, failure=failure), f"{event.name}/{event.digest}"


def _dataset_registered(event: DatasetRegistered) -> events.DatasetRegistered:
    return events.DatasetRegistered(
        dataset=common.DatasetRef(name=event.name, version=event.version, manifest_digest=event.digest),
        kind=event.kind,
        registered_at=timestamp(event.registered_at),
        entry_id=event.entry_id,
        producer=event.producer,
    )


def _model_registered(event: ModelRegistered) -> events.ModelRegistered:
    return events.ModelRegistered(
        model=common.ModelRef(name=event.name, version=event.version, run_id=event.run_id),
        bundle_digest=event.bundle_digest,
        registered_at=timestamp(event.registered_at),
        entry_id=event.entry_id,
        copied_from=model_ref(event.copied_from),
    )


def _history_imported(event: HistoryImported) -> events.HistoryImported:
    return events.HistoryImported(
        path=event.path,
        manifest_digest=event.digest,
        checkpoint_digest=event.checkpoint_digest,
        imported_by=event.imported_by,
        imported_at=timestamp(event.imported_at),
    )


def _mark_message(event: MarkEvent) -> tuple[Message, str]:
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

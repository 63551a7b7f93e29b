"""What the catalogue announced, read again."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.contracts.versions import ModelRef
from svc_registry.domain.events import (
    AliasCleared,
    BaseRegistered,
    DatasetArchived,
    DatasetRegistered,
    GateChanged,
    HistoryImported,
    ModelArchived,
    ModelPromoted,
    ModelRegistered,
    ModelSigned,
    PromotionRefused,
)
from svc_registry.domain.gates import Gate
from svc_registry.domain.ledger import MoveKind
from svc_registry.domain.records import AliasMove, Deletion, KeptSignature
from svc_registry.wire.marks import KINDS_BACK, conditions_of
from svc_registry.wire.reports import dataset_version
from upwell.common.v1 import common_pb2 as common
from upwell.registry.v1 import events_pb2 as events
from upwell.registry.v1 import mark_events_pb2 as mark_events
from upwell.registry.v1 import marks_pb2 as marks


def dataset_registered(message: events.DatasetRegistered, told_at: datetime) -> DatasetRegistered:
    """The event read again; `told_at` stands in where it does not say when the version was registered."""
    return DatasetRegistered(
        name=message.dataset.name,
        version=message.dataset.version,
        kind=message.kind,
        digest=message.dataset.manifest_digest,
        producer=message.producer,
        registered_at=_registered_at(message, told_at),
        entry_id=message.entry_id,
    )


def base_registered(message: events.BaseRegistered, told_at: datetime) -> BaseRegistered:
    """The event read again, likewise."""
    registered_at = _registered_at(message, told_at)
    return BaseRegistered(name=message.base.name, digest=message.base.digest, registered_at=registered_at)


def model_registered(message: events.ModelRegistered, told_at: datetime) -> ModelRegistered:
    """The event read again, likewise."""
    return ModelRegistered(
        name=message.model.name,
        version=message.model.version,
        run_id=message.model.run_id,
        bundle_digest=message.bundle_digest,
        registered_at=_registered_at(message, told_at),
        entry_id=message.entry_id,
        copied_from=_model(message.copied_from) if message.HasField("copied_from") else None,
    )


def model_promoted(message: events.ModelPromoted) -> ModelPromoted:
    """The event read again."""
    move = AliasMove(
        ledger_id=message.ledger_id,
        model=message.model.name,
        alias=message.alias,
        kind=KINDS_BACK[message.kind],
        from_version=message.previous_version,
        to_version=message.model.version,
        moved_by=message.moved_by,
        reason=message.reason,
        failed=tuple(message.failed_conditions),
        moved_at=message.moved_at.ToDatetime(UTC),
    )
    return ModelPromoted(move=move, run_id=message.model.run_id, bundle_digest=message.bundle_digest)


def promotion_refused(message: mark_events.PromotionRefused) -> PromotionRefused:
    """The event read again."""
    move = AliasMove(
        ledger_id=message.ledger_id,
        model=message.model.name,
        alias=message.alias,
        kind=MoveKind.REFUSED,
        from_version=message.standing_version,
        to_version=message.model.version,
        moved_by=message.asked_by,
        reason=message.reason,
        failed=tuple(message.failed_conditions),
        moved_at=message.refused_at.ToDatetime(UTC),
    )
    return PromotionRefused(move=move, run_id=message.model.run_id)


def alias_cleared(message: mark_events.AliasCleared) -> AliasCleared:
    """The event read again."""
    move = AliasMove(
        ledger_id=message.ledger_id,
        model=message.model.name,
        alias=message.alias,
        kind=MoveKind.CLEARED,
        from_version=message.model.version,
        to_version=0,
        moved_by=message.cleared_by,
        reason=message.reason,
        failed=(),
        moved_at=message.cleared_at.ToDatetime(UTC),
    )
    return AliasCleared(move=move, cleared=_model(message.model))


def gate_changed(message: mark_events.GateChanged) -> GateChanged:
    """The event read again."""
    gate = message.gate
    return GateChanged(
        gate=Gate(
            model=gate.model,
            alias=gate.alias,
            conditions=conditions_of(gate.conditions),
            set_by=gate.set_by,
            set_at=gate.set_at.ToDatetime(UTC),
        )
    )


def model_archived(message: mark_events.ModelArchived) -> ModelArchived:
    """The event read again."""
    return ModelArchived(
        model=_model(message.model), bundle_digest=message.bundle_digest, deletion=_deletion(message.deletion)
    )


def dataset_archived(message: mark_events.DatasetArchived) -> DatasetArchived:
    """The event read again."""
    return DatasetArchived(dataset=dataset_version(message.dataset), deletion=_deletion(message.deletion))


def model_signed(message: mark_events.ModelSigned) -> ModelSigned:
    """The event read again."""
    told = message.signature
    signature = KeptSignature(
        key=told.key, value=told.value, signed_by=told.signed_by, signed_at=told.signed_at.ToDatetime(UTC)
    )
    return ModelSigned(model=_model(message.model), bundle_digest=message.bundle_digest, signature=signature)


def history_imported(message: events.HistoryImported) -> HistoryImported:
    """The event read again."""
    return HistoryImported(
        path=message.path,
        digest=message.manifest_digest,
        checkpoint_digest=message.checkpoint_digest,
        imported_by=message.imported_by,
        imported_at=message.imported_at.ToDatetime(UTC),
    )


def _model(ref: common.ModelRef) -> ModelRef:
    return ModelRef(name=ref.name, version=ref.version, run_id=ref.run_id)


def _deletion(told: marks.Deletion) -> Deletion:
    return Deletion(deleted_by=told.deleted_by, reason=told.reason, deleted_at=told.deleted_at.ToDatetime(UTC))


def _registered_at(
    message: events.DatasetRegistered | events.BaseRegistered | events.ModelRegistered, told_at: datetime
) -> datetime:
    return message.registered_at.ToDatetime(UTC) if message.HasField("registered_at") else told_at

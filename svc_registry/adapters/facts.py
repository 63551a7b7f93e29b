"""What the catalogue announced, read again."""

from __future__ import annotations

from datetime import UTC, datetime

from svc_registry.domain.events import BaseRegistered, DatasetRegistered, ModelPromoted, ModelRegistered
from svc_registry.domain.records import AliasMove
from upwell.registry.v1 import events_pb2 as events


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
    )


def model_promoted(message: events.ModelPromoted) -> ModelPromoted:
    """The event read again."""
    move = AliasMove(
        ledger_id=message.ledger_id,
        model=message.model.name,
        alias=message.alias,
        from_version=message.previous_version,
        to_version=message.model.version,
        moved_by=message.moved_by,
        reason=message.reason,
        moved_at=message.moved_at.ToDatetime(UTC),
    )
    return ModelPromoted(move=move, run_id=message.model.run_id, bundle_digest=message.bundle_digest)


def _registered_at(
    message: events.DatasetRegistered | events.BaseRegistered | events.ModelRegistered, told_at: datetime
) -> datetime:
    return message.registered_at.ToDatetime(UTC) if message.HasField("registered_at") else told_at

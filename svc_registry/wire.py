"""Between the catalogue's values and protobuf."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite

from google.protobuf.message import Message

from shared.contracts.versions import BaseVersion, DatasetVersion, ModelRef
from shared.runtime.convert import failure_message, json_values, model_ref, struct, timestamp
from svc_registry.domain.events import (
    BaseRegistered,
    DatasetRegistered,
    DatasetRejected,
    HistoryImported,
    ModelRegistered,
    ModelRejected,
    RegistryEvent,
)
from svc_registry.domain.records import BaseRecord, DatasetRecord, ModelRecord, NewModel, NewPrediction
from svc_registry.wire_marks import deletion_message, mark_message, signature_message
from upwell.common.v1 import common_pb2 as common
from upwell.infer.v1 import events_pb2 as infer
from upwell.registry.v1 import events_pb2 as events
from upwell.registry.v1 import registry_service_pb2 as pb
from upwell.train.v1 import events_pb2 as train


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
            return mark_message(event)


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


def new_model(message: train.TrainCompleted) -> NewModel:
    """What a finished run says it made."""
    return NewModel(
        name=message.model,
        run_id=message.run_id,
        recipe=message.recipe,
        bundle_digest=message.bundle_digest,
        base=BaseVersion(name=message.base.name, digest=message.base.digest),
        dataset=dataset_version(message.dataset),
        # JSON has no NaN, so a metric that could not be computed is left out.
        metrics={name: value for name, value in message.metrics.items() if isfinite(value)},
        hyperparameters=json_values(message.hyperparameters),
        stage=message.stage,
        parent=_parent(message),
        total_steps=message.total_steps,
        epochs=message.epochs,
        tokens=message.tokens,
        started_at=_moment(message, "started_at"),
        finished_at=_moment(message, "finished_at"),
        environment=dict(message.environment),
    )


def _parent(message: train.TrainCompleted) -> ModelRef | None:
    if not message.parent.run_id:
        return None
    return ModelRef(name=message.parent.name, version=message.parent.version, run_id=message.parent.run_id)


def _moment(message: Message, field: str) -> datetime | None:
    """A time as an aware value in UTC; None when the field is absent."""
    moment: datetime | None = getattr(message, field).ToDatetime(UTC) if message.HasField(field) else None
    return moment


def new_prediction(message: infer.InferCompleted) -> NewPrediction:
    """What a finished prediction job says."""
    return NewPrediction(
        job_id=message.job_id,
        dataset=dataset_version(message.dataset),
        model_name=message.model.name,
        model_version=message.model.version,
        run_id=message.model.run_id,
        finished_at=_moment(message, "finished_at"),
    )


def dataset_version(ref: common.DatasetRef) -> DatasetVersion:
    """A reference as a value."""
    return DatasetVersion(name=ref.name, digest=ref.manifest_digest, version=ref.version)


def dataset_message(record: DatasetRecord) -> pb.DatasetVersion:
    """A dataset version for the caller."""
    return pb.DatasetVersion(
        ref=common.DatasetRef(name=record.name, version=record.version, manifest_digest=record.digest),
        kind=record.kind,
        meta=struct(record.meta),
        size_bytes=record.size_bytes,
        producer=record.producer,
        registered_at=timestamp(record.registered_at),
        deletion=deletion_message(record.deletion),
    )


def base_message(record: BaseRecord) -> pb.Base:
    """A base for the caller."""
    return pb.Base(
        ref=common.BaseRef(name=record.name, digest=record.digest),
        meta=struct(record.meta),
        size_bytes=record.size_bytes,
        registered_at=timestamp(record.registered_at),
    )


def model_message(record: ModelRecord) -> pb.ModelVersion:
    """A model version for the caller."""
    made = record.made
    return pb.ModelVersion(
        ref=common.ModelRef(name=made.name, version=record.version, run_id=made.run_id),
        bundle_digest=made.bundle_digest,
        recipe=made.recipe,
        base=common.BaseRef(name=made.base.name, digest=made.base.digest),
        dataset=common.DatasetRef(
            name=made.dataset.name, version=made.dataset.version, manifest_digest=made.dataset.digest
        ),
        metrics=dict(made.metrics),
        aliases=record.aliases,
        registered_at=timestamp(record.registered_at),
        hyperparameters=struct(made.hyperparameters),
        stage=made.stage,
        parent=model_ref(made.parent),
        total_steps=made.total_steps,
        epochs=made.epochs,
        tokens=made.tokens,
        started_at=timestamp(made.started_at),
        finished_at=timestamp(made.finished_at),
        environment=dict(made.environment),
        deletion=deletion_message(record.deletion),
        signatures=[signature_message(signature) for signature in record.signatures],
    )

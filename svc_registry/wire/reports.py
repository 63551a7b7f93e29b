"""What the services say they made in."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite

from google.protobuf.message import Message

from shared.contracts.versions import BaseVersion, DatasetVersion, ModelRef
from shared.runtime.convert import json_values
from svc_registry.domain.records import NewModel, NewPrediction
from upwell.common.v1 import common_pb2 as common
from upwell.infer.v1 import events_pb2 as infer
from upwell.train.v1 import events_pb2 as train


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

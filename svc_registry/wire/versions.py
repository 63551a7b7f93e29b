"""Datasets, bases and models out."""

from __future__ import annotations

from shared.runtime.convert import model_ref, struct, timestamp
from svc_registry.domain.records import BaseRecord, DatasetRecord, ModelRecord
from svc_registry.wire.marks import deletion_message, signature_message
from upwell.common.v1 import common_pb2 as common
from upwell.registry.v1 import registry_service_pb2 as pb


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

"""Versions and how they do."""

from __future__ import annotations

from shared.contracts.versions import ModelVersion
from shared.runtime.convert import failure_message, timestamp
from svc_infer.domain.models import ModelState, ModelStatus
from upwell.common.v1 import common_pb2 as common
from upwell.infer.v1 import infer_service_pb2 as pb

MODEL_STATES = {
    ModelState.LOADING: pb.MODEL_STATE_LOADING,
    ModelState.READY: pb.MODEL_STATE_READY,
    ModelState.FAILED: pb.MODEL_STATE_FAILED,
}


def model_ref(version: ModelVersion) -> common.ModelRef:
    """A model version."""
    return common.ModelRef(name=version.name, version=version.version, run_id=version.run_id)


def status_message(status: ModelStatus) -> pb.ModelStatus:
    """How a version does."""
    return pb.ModelStatus(
        model=model_ref(status.version),
        state=MODEL_STATES[status.state],
        aliases=status.aliases,
        failure=failure_message(status.failure),
        queue_length=status.queue_length,
        ready_at=timestamp(status.ready_at),
    )

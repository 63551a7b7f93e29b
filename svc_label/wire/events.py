"""Events: what is announced, and what is taken."""

from __future__ import annotations

from google.protobuf.message import Message

from shared.contracts.versions import DatasetVersion
from shared.runtime.convert import dataset_ref, doubles, failure_message, timestamp
from svc_label.domain.events import DatasetProduced, LabelCompleted, LabelEvent, LabelFailed, ReviewDecided
from svc_label.domain.jobs import LabelRequest
from svc_label.domain.predictions import Prediction
from upwell.infer.v1 import events_pb2 as infer
from upwell.label.v1 import events_pb2 as events
from upwell.registry.v1 import events_pb2 as registry

PRODUCER = "svc_label"


def to_message(event: LabelEvent) -> tuple[Message, str]:
    """An event and its natural key."""
    match event:
        case LabelCompleted():
            completed = events.LabelCompleted(
                job_id=event.job_id,
                dataset=dataset_ref(event.dataset),
                labeler=event.labeler,
                candidate_count=event.candidate_count,
            )
            return completed, event.job_id
        case LabelFailed():
            failed = events.LabelFailed(
                job_id=event.job_id,
                dataset=event.dataset,
                labeler=event.labeler,
                failure=failure_message(event.failure),
            )
            return failed, event.job_id
        case ReviewDecided():
            return _decided(event), event.batch.id
        case DatasetProduced():
            produced = registry.DatasetProduced(
                name=event.name,
                kind=event.kind,
                manifest_digest=event.digest,
                producer=f"{PRODUCER}/{event.producer}",
            )
            return produced, f"{event.name}/{event.digest}"


def _decided(event: ReviewDecided) -> events.ReviewDecided:
    batch = event.batch
    return events.ReviewDecided(
        batch_id=batch.id,
        reviewer=batch.reviewer,
        approved_count=batch.approved_count,
        rejected_count=batch.rejected_count,
        corrected_count=batch.corrected_count,
        decided_at=timestamp(batch.decided_at),
    )


def label_request(message: events.LabelRequested) -> LabelRequest:
    """What a request asks for."""
    return LabelRequest(
        dataset=message.dataset,
        labeler=message.labeler,
        parameters=doubles(message.parameters),
        output=message.output,
    )


def prediction(message: infer.InferCompleted) -> Prediction:
    """What a finished prediction job says."""
    dataset = message.dataset
    return Prediction(
        job_id=message.job_id,
        dataset=DatasetVersion(name=dataset.name, digest=dataset.manifest_digest, version=dataset.version),
        model=message.model.name,
        model_version=message.model.version,
        result_digest=message.result_digest,
    )

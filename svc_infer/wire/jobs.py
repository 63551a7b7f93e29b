"""Prediction jobs and what is announced of them."""

from __future__ import annotations

from google.protobuf.message import Message

from shared.contracts.work import Work
from shared.runtime.convert import STATES, dataset_ref, failure_message, timestamp
from svc_infer.domain.jobs import InferCompleted, InferEvent, InferFailed, JobRequest, parse_result
from svc_infer.wire.models import model_ref
from upwell.infer.v1 import events_pb2 as events
from upwell.infer.v1 import infer_service_pb2 as pb


def job_request(message: events.InferRequested) -> JobRequest:
    """What is asked for."""
    return JobRequest(dataset=message.dataset, model=message.model)


def job_message(work: Work) -> pb.PredictionJob:
    """A job for the caller."""
    request = events.InferRequested(job_id=work.id, dataset=work.request["dataset"], model=work.request["model"])
    return pb.PredictionJob(
        job_id=work.id,
        request=request,
        state=STATES[work.state],
        attempt=work.attempt,
        result=_completed(parse_result(work.result)) if work.result else None,
        failure=failure_message(work.failure),
        created_at=timestamp(work.created_at),
    )


def to_message(event: InferEvent) -> tuple[Message, str]:
    """An event and its natural key."""
    match event:
        case InferCompleted():
            return _completed(event), event.job_id
        case InferFailed():
            request = event.request
            failure = failure_message(event.failure)
            message = events.InferFailed(
                job_id=event.job_id, dataset=request.dataset, model=request.model, failure=failure
            )
            return message, f"{event.job_id}/{event.failure.cause}"


def _completed(event: InferCompleted) -> events.InferCompleted:
    return events.InferCompleted(
        job_id=event.job_id,
        dataset=dataset_ref(event.dataset),
        model=model_ref(event.model),
        result_digest=event.result_digest,
        segment_count=event.segment_count,
        finished_at=timestamp(event.finished_at),
    )

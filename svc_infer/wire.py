"""Between svc_infer's values and protobuf."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from google.protobuf.message import Message

from shared.contracts.versions import ModelVersion
from shared.contracts.work import Work
from shared.errors import InvalidInputError
from shared.runtime.convert import STATES, dataset_ref, failure_message, segment_message, timestamp
from svc_infer.domain.jobs import InferCompleted, InferEvent, InferFailed, JobRequest, parse_result
from svc_infer.domain.models import ModelState, ModelStatus
from svc_infer.domain.series import MAX_SERIES, Answer, Series, series_from_call
from svc_infer.domain.texts import TextQuestion, TextReply, question_of
from upwell.common.v1 import common_pb2 as common
from upwell.infer.v1 import events_pb2 as events
from upwell.infer.v1 import infer_service_pb2 as pb
from upwell.infer.v1 import text_pb2

MODEL_STATES = {
    ModelState.LOADING: pb.MODEL_STATE_LOADING,
    ModelState.READY: pb.MODEL_STATE_READY,
    ModelState.FAILED: pb.MODEL_STATE_FAILED,
}
FINISHES = {"stop": text_pb2.FINISH_STOP, "length": text_pb2.FINISH_LENGTH}


def series_values(request: pb.PredictRequest) -> list[Series]:
    """The series of a call; InvalidInputError names the field that is wrong."""
    if not 1 <= len(request.series) <= MAX_SERIES:
        raise InvalidInputError.of(
            "series", f"{len(request.series)} series were sent; send 1 to {MAX_SERIES} in a call"
        )
    return [
        series_from_call(
            f"series[{index}]",
            name=message.id,
            channels=[channel.name for channel in message.channels],
            # numpy reads a repeated field at once, a hundred times faster than value by value.
            columns=[np.array(channel.values, dtype=np.float64) for channel in message.channels],
            times=np.array(message.times, dtype=np.int64),
        )
        for index, message in enumerate(request.series)
    ]


def predict_response(
    version: ModelVersion, answers: Sequence[Answer], series: Sequence[Series], *, include_scores: bool
) -> pb.PredictResponse:
    """The answers, with the version that spoke."""
    return pb.PredictResponse(
        model=model_ref(version),
        answers=[
            pb.SeriesAnswer(
                id=answer.id,
                segments=[segment_message(segment) for segment in answer.segments],
                text=answer.text,
                scores=_scores(answer, one) if include_scores else (),
            )
            for answer, one in zip(answers, series, strict=True)
        ],
    )


def _scores(answer: Answer, series: Series) -> list[pb.ChannelScores]:
    return [
        pb.ChannelScores(channel=channel, scores=column.tolist())
        for channel, column in zip(series.channels, answer.scores.T, strict=True)
    ]


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


def text_question(request: text_pb2.GenerateRequest) -> TextQuestion:
    """The conversation of a call; InvalidInputError names the field that is wrong."""
    messages = tuple({"role": one.role, "content": one.content} for one in request.messages)
    return question_of(messages, request.max_new_tokens)


def generate_response(version: ModelVersion, reply: TextReply) -> text_pb2.GenerateResponse:
    """The reply, with the version that spoke."""
    return text_pb2.GenerateResponse(
        model=model_ref(version),
        text=reply.text,
        finish=FINISHES[reply.finish],
        tokens=reply.tokens,
        prompt_tokens=reply.prompt_tokens,
    )

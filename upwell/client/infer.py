"""Predictions."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import grpc

from upwell.client.calls import Caller
from upwell.client.publisher import Publisher
from upwell.infer.v1 import events_pb2, infer_service_pb2, infer_service_pb2_grpc, text_pb2

PREDICT_DEADLINE_S = 60.0
GENERATE_DEADLINE_S = 120.0


class InferClient:
    """svc_infer."""

    def __init__(self, channel: grpc.aio.Channel, caller: Caller, publisher: Publisher) -> None:
        self._stub = infer_service_pb2_grpc.InferServiceStub(channel)
        self._caller = caller
        self._publisher = publisher

    async def predict(
        self,
        model: str,
        series: Sequence[infer_service_pb2.Series],
        *,
        include_scores: bool = False,
        deadline_s: float = PREDICT_DEADLINE_S,
    ) -> infer_service_pb2.PredictResponse:
        """Ask a model about series: at most 64 of them and 16 MiB in all."""
        request = infer_service_pb2.PredictRequest(model=model, series=series, include_scores=include_scores)
        return await self._caller.call(self._stub.Predict, request, deadline_s=deadline_s)

    async def generate(
        self, model: str, messages: Sequence[tuple[str, str]], *, max_new_tokens: int = 0
    ) -> text_pb2.GenerateResponse:
        """What a text model says next in a conversation of (role, content); see the fields of `GenerateRequest`."""
        turns = [text_pb2.ChatMessage(role=role, content=content) for role, content in messages]
        request = text_pb2.GenerateRequest(model=model, messages=turns, max_new_tokens=max_new_tokens)
        return await self._caller.call(self._stub.Generate, request, deadline_s=GENERATE_DEADLINE_S)

    async def status(self, model: str = "") -> Sequence[infer_service_pb2.ModelStatus]:
        """What the server that answers has loaded."""
        answer = await self._caller.call(
            self._stub.GetModelStatus, infer_service_pb2.GetModelStatusRequest(model=model)
        )
        return answer.models

    async def request(self, dataset: str, *, model: str, job_id: str = "") -> str:
        """Publish `infer.requested`; the id that the job will have.

        Raises:
            BusError: the bus refused it or does not answer.
        """
        request = events_pb2.InferRequested(job_id=job_id or str(uuid.uuid4()), dataset=dataset, model=model)
        await self._publisher.publish(request)
        return request.job_id

    async def start(self, dataset: str, *, model: str, job_id: str = "") -> str:
        """Record a prediction job by a call to svc_infer; its id."""
        request = events_pb2.InferRequested(job_id=job_id or str(uuid.uuid4()), dataset=dataset, model=model)
        answer = await self._caller.call(self._stub.StartJob, infer_service_pb2.StartJobRequest(request=request))
        return answer.job_id

    async def job(self, job_id: str) -> infer_service_pb2.PredictionJob:
        """One prediction job."""
        answer = await self._caller.call(self._stub.GetJob, infer_service_pb2.GetJobRequest(job_id=job_id))
        return answer.job

"""Predictions."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import grpc
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct

from upwell.client.calls import Caller
from upwell.client.publisher import Publisher
from upwell.infer.v1 import (
    events_pb2,
    forecast_pb2,
    infer_service_pb2,
    infer_service_pb2_grpc,
    plan_pb2,
    text_pb2,
    values_pb2,
)

# The server's own limit on a call to a model (UPWELL_PREDICT_SECONDS) is meant to hold, and its error says so; this one
# ends the wait for a server that has fallen silent.
DEADLINE_S = 600.0
WHEN_LATE = "Allow it longer (`--timeout`, or `deadline_s` in Python), or look at `upwell status`."


class InferClient:
    """svc_infer.

    A call to a model takes as long as the server allows (its UPWELL_PREDICT_SECONDS), and `deadline_s` at most.
    """

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
        deadline_s: float = DEADLINE_S,
    ) -> infer_service_pb2.PredictResponse:
        """Ask a model about series: at most 64 of them and 16 MiB in all."""
        request = infer_service_pb2.PredictRequest(model=model, series=series, include_scores=include_scores)
        return await self._caller.call(self._stub.Predict, request, deadline_s=deadline_s)

    async def generate(
        self,
        model: str,
        messages: Sequence[tuple[str, str]],
        *,
        max_new_tokens: int = 0,
        attachments: Sequence[tuple[str, bytes]] = (),
        deadline_s: float = DEADLINE_S,
    ) -> text_pb2.GenerateResponse:
        """What a model says next in a conversation of (role, content); see the fields of `GenerateRequest`.

        Args:
            model: `name@4`, `name:champion`, or `name`.
            messages: the conversation so far.
            max_new_tokens: the longest answer; 0 leaves it to the server.
            attachments: (mark, bytes of a `.npz` file), one for each mark in the user's turns.
            deadline_s: the longest to wait.
        """
        request = _conversation(model, messages, max_new_tokens, attachments)
        return await self._caller.call(self._stub.Generate, request, deadline_s=deadline_s)

    def stream(
        self,
        model: str,
        messages: Sequence[tuple[str, str]],
        *,
        max_new_tokens: int = 0,
        attachments: Sequence[tuple[str, bytes]] = (),
        deadline_s: float = DEADLINE_S,
    ) -> AsyncIterator[text_pb2.GenerateStreamResponse]:
        """As `generate`, piece by piece; the last piece has no text but the counts."""
        request = _conversation(model, messages, max_new_tokens, attachments)
        return self._caller.receive(
            self._stub.GenerateStream,
            text_pb2.GenerateStreamRequest(request=request),
            deadline_s=deadline_s,
        )

    async def plan(
        self, model: str, task: str, used: Sequence[Mapping[str, float]], *, deadline_s: float = DEADLINE_S
    ) -> plan_pb2.PlanResponse:
        """Which tool with which configuration a planner would take.

        Args:
            model: `name@4`, `name:champion`, or `name`.
            task: what is to be done, in words.
            used: what was in use of late, oldest first: `cpu_cores`, `memory_gb`, `gpu_sm`, `gpu_memory_gb`.
            deadline_s: the longest to wait.
        """
        times = [plan_pb2.ResourceUse(**use) for use in used]
        request = plan_pb2.PlanRequest(model=model, task=task, used=times)
        return await self._caller.call(self._stub.Plan, request, deadline_s=deadline_s)

    async def forecast(
        self,
        model: str,
        *,
        fields: forecast_pb2.Fields | None = None,
        dataset: str = "",
        last_month: str = "",
        leads: int = 0,
        deadline_s: float = DEADLINE_S,
    ) -> forecast_pb2.ForecastResponse:
        """The months that come after months of fields.

        Args:
            model: `name@4`, `name:champion`, or `name`.
            fields: the months to go on from; or
            dataset: the stored dataset they are read from, `name@3` or `name`, up to
            last_month: as `2009-06`; empty means the last month that the dataset has.
            leads: months to look ahead; 0 means as many as the model can.
            deadline_s: the longest to wait.
        """
        months = forecast_pb2.DatasetMonths(dataset=dataset, last_month=last_month) if dataset else None
        request = forecast_pb2.ForecastRequest(model=model, fields=fields, dataset=months, leads=leads)
        return await self._caller.call(self._stub.Forecast, request, deadline_s=deadline_s)

    async def ask(
        self, model: str, inputs: Sequence[Mapping[str, Any]], *, deadline_s: float = DEADLINE_S
    ) -> values_pb2.AskResponse:
        """Ask a model of any other family: 1 to 64 JSON objects in, one out for each."""
        structs = [json_format.ParseDict(dict(one), Struct()) for one in inputs]
        request = values_pb2.AskRequest(model=model, inputs=structs)
        return await self._caller.call(self._stub.Ask, request, deadline_s=deadline_s)

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


def _conversation(
    model: str, messages: Sequence[tuple[str, str]], max_new_tokens: int, attachments: Sequence[tuple[str, bytes]]
) -> text_pb2.GenerateRequest:
    return text_pb2.GenerateRequest(
        model=model,
        messages=[text_pb2.ChatMessage(role=role, content=content) for role, content in messages],
        max_new_tokens=max_new_tokens,
        attachments=[text_pb2.Attachment(mark=mark, npz=npz) for mark, npz in attachments],
    )

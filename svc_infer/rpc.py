"""InferService: translate, delegate, translate."""

from __future__ import annotations

import asyncio
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from shared.contracts.names import Reference, parse_reference
from shared.runtime.auth import Role
from shared.runtime.grpc_server import Rpc
from svc_infer import wire
from svc_infer.ports import InferStore, Model
from svc_infer.serving.batcher import Batcher
from svc_infer.serving.names import Names
from svc_infer.serving.shelf import Shelf
from svc_infer.serving.talk import Talk
from svc_infer.use_cases import jobs, models
from upwell.infer.v1 import infer_service_pb2 as pb
from upwell.infer.v1 import infer_service_pb2_grpc as pb_grpc
from upwell.infer.v1 import text_pb2

LOOKUPS = 4
# Conversations that may wait: at some seconds each, more would wait longer than anybody does.
CONVERSATIONS = 16


class InferService(pb_grpc.InferServiceServicer):
    """Predictions over gRPC.

    Args:
        store, names, shelf, batcher, talk: what answers.
        longest_s: how long a call may take that brings no deadline, or a later one.
    """

    def __init__(
        self, store: InferStore, names: Names, shelf: Shelf, batcher: Batcher, talk: Talk, *, longest_s: float
    ) -> None:
        self._store = store
        self._names = names
        self._shelf = shelf
        self._batcher = batcher
        self._talk = talk
        self._longest_s = longest_s
        # A registry that answers slowly holds up those who ask for what is not known here, and nobody else.
        self._lookups = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="registry-lookup")

    async def Predict(self, request: pb.PredictRequest, context: Any) -> pb.PredictResponse:
        """Answer on the loop: a thread a call would cost more than all else around the model."""
        deadline = self._deadline(context)
        reference = parse_reference("model", request.model)
        series = wire.series_values(request)
        try:
            async with asyncio.timeout_at(deadline):
                model = self._names.ready(reference) or await self._load(reference)
                answering = self._batcher.submit(model, series, deadline=deadline)
                answers = await asyncio.wrap_future(answering)
        except TimeoutError:
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "The deadline passed before the model had answered")
        return wire.predict_response(model.version, answers, series, include_scores=request.include_scores)

    async def Generate(self, request: text_pb2.GenerateRequest, context: Any) -> text_pb2.GenerateResponse:
        """Answer a conversation."""
        deadline = self._deadline(context)
        reference = parse_reference("model", request.model)
        question = wire.text_question(request)
        try:
            async with asyncio.timeout_at(deadline):
                model = self._names.ready(reference) or await self._load(reference)
                reply = await asyncio.wrap_future(self._talk.ask(model, question))
        except TimeoutError:
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "The deadline passed before the model had answered")
        return wire.generate_response(model.version, reply)

    async def GetModelStatus(self, request: pb.GetModelStatusRequest, context: Any) -> pb.GetModelStatusResponse:
        """From memory."""
        statuses = models.model_statuses(self._shelf, self._names, self._batcher, request.model)
        return pb.GetModelStatusResponse(models=[wire.status_message(status) for status in statuses])

    async def StartJob(self, request: pb.StartJobRequest, context: Any) -> pb.StartJobResponse:
        """Record a job."""
        asked = request.request
        job_id = await asyncio.to_thread(
            jobs.request_job,
            self._store,
            job_id=asked.job_id or str(uuid.uuid4()),
            request=wire.job_request(asked),
        )
        return pb.StartJobResponse(job_id=job_id)

    async def GetJob(self, request: pb.GetJobRequest, context: Any) -> pb.GetJobResponse:
        """One job."""
        work = await asyncio.to_thread(jobs.find_job, self._store, request.job_id)
        return pb.GetJobResponse(job=wire.job_message(work))

    async def _load(self, reference: Reference) -> Model:
        version = await asyncio.get_running_loop().run_in_executor(self._lookups, self._names.resolve, reference)
        return await asyncio.wrap_future(self._shelf.load(version))

    def _deadline(self, context: Any) -> float:
        remaining = context.time_remaining()
        return time.monotonic() + min(self._longest_s, self._longest_s if remaining is None else remaining)


def infer_rpc(
    store: InferStore, names: Names, shelf: Shelf, batcher: Batcher, *, longest_s: float, talk: Talk | None = None
) -> Rpc:
    """The service with its roles."""
    servicer = InferService(store, names, shelf, batcher, talk or Talk(waiting=CONVERSATIONS), longest_s=longest_s)
    return Rpc(
        full_name="upwell.infer.v1.InferService",
        add_to=lambda server: pb_grpc.add_InferServiceServicer_to_server(servicer, server),
        roles={"StartJob": Role.REVIEWER},
    )

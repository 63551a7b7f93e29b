"""Events in: translate and delegate."""

from __future__ import annotations

import asyncio

from google.protobuf.message import Message

from shared.contracts.ids import derived_id
from shared.errors import InvalidInputError
from shared.runtime.bus import Bus
from shared.runtime.envelope import current_envelope
from svc_infer.ports import InferStore
from svc_infer.serving.follower import Follower
from svc_infer.use_cases import jobs
from svc_infer.wire.jobs import job_request
from upwell.infer.v1 import events_pb2 as infer
from upwell.registry.v1 import events_pb2 as registry
from upwell.registry.v1 import mark_events_pb2 as marks


def take_events(bus: Bus, store: InferStore, follower: Follower) -> None:
    """Take prediction jobs, and hear of what names other versions, or none."""

    async def on_infer_requested(body: infer.InferRequested) -> None:
        await asyncio.to_thread(jobs.request_job, store, job_id=_job_id(body), request=job_request(body))

    async def on_misread(body: infer.InferRequested, error: InvalidInputError) -> None:
        await asyncio.to_thread(jobs.refuse_job, store, error, job_id=_job_id(body), request=job_request(body))

    async def on_change(body: Message) -> None:  # noqa: ARG001 - that it came says enough
        follower.look_now()

    bus.take(infer.InferRequested, on_infer_requested, refuse=on_misread)
    for change in (registry.ModelPromoted, marks.AliasCleared, marks.ModelArchived):
        bus.listen(change, on_change)


def _job_id(body: infer.InferRequested) -> str:
    return body.job_id or derived_id("infer", current_envelope().event_id)

"""Events in: translate and delegate."""

from __future__ import annotations

import asyncio

from google.protobuf.message import Message

from shared.contracts.ids import derived_id
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
        job_id = body.job_id or derived_id("infer", current_envelope().event_id)
        await asyncio.to_thread(jobs.request_job, store, job_id=job_id, request=job_request(body))

    async def on_change(body: Message) -> None:  # noqa: ARG001 - that it came says enough
        follower.look_now()

    bus.take(infer.InferRequested, on_infer_requested)
    for change in (registry.ModelPromoted, marks.AliasCleared, marks.ModelArchived):
        bus.listen(change, on_change)

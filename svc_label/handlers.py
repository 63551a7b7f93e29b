"""Events in: translate and delegate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from shared.contracts.ids import derived_id
from shared.errors import InvalidInputError
from shared.runtime.bus import Bus
from shared.runtime.envelope import current_envelope
from svc_label.domain.predictions import Prediction
from svc_label.use_cases.labeling import LabelingJobs
from svc_label.wire import events as wire
from upwell.infer.v1 import events_pb2 as infer
from upwell.label.v1 import events_pb2 as label


def take_events(bus: Bus, jobs: LabelingJobs, take_prediction: Callable[[Prediction], None]) -> None:
    """Take requests, which are recorded and done by a worker, and finished predictions."""

    async def on_label_requested(body: label.LabelRequested) -> None:
        await asyncio.to_thread(jobs.take, _job_id(body), wire.label_request(body))

    async def on_misread(body: label.LabelRequested, error: InvalidInputError) -> None:
        await asyncio.to_thread(jobs.refuse, _job_id(body), wire.label_request(body), error)

    async def on_infer_completed(body: infer.InferCompleted) -> None:
        await asyncio.to_thread(take_prediction, wire.prediction(body))

    bus.take(label.LabelRequested, on_label_requested, refuse=on_misread)
    bus.take(infer.InferCompleted, on_infer_completed)


def _job_id(body: label.LabelRequested) -> str:
    return body.job_id or derived_id("label", current_envelope().event_id)

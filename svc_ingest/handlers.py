"""Events in: translate and delegate."""

from __future__ import annotations

import asyncio

from shared.contracts.ids import derived_id
from shared.runtime.bus import Bus
from shared.runtime.envelope import current_envelope
from svc_ingest import wire
from svc_ingest.use_cases.imports import Imports
from upwell.ingest.v1 import events_pb2 as events


def take_events(bus: Bus, imports: Imports) -> None:
    """Take requests for imports: each is recorded, then done by a worker."""

    async def on_ingest_requested(body: events.IngestRequested) -> None:
        job_id = body.job_id or derived_id("ingest", current_envelope().event_id)
        await asyncio.to_thread(imports.take, job_id, wire.import_request(body))

    bus.take(events.IngestRequested, on_ingest_requested)

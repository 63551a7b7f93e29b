"""Events in: translate and delegate."""

from __future__ import annotations

import asyncio

from shared.contracts.ids import derived_id
from shared.errors import InvalidInputError
from shared.runtime.bus import Bus
from shared.runtime.envelope import current_envelope
from svc_ingest import wire
from svc_ingest.use_cases.imports import Imports
from upwell.ingest.v1 import events_pb2 as events


def take_events(bus: Bus, imports: Imports) -> None:
    """Take requests for imports: each is recorded, then done by a worker."""

    async def on_ingest_requested(body: events.IngestRequested) -> None:
        await asyncio.to_thread(imports.take, _job_id(body), wire.import_request(body))

    async def on_misread(body: events.IngestRequested, error: InvalidInputError) -> None:
        await asyncio.to_thread(imports.refuse, _job_id(body), wire.import_request(body), error)

    bus.take(events.IngestRequested, on_ingest_requested, refuse=on_misread)


def _job_id(body: events.IngestRequested) -> str:
    return body.job_id or derived_id("ingest", current_envelope().event_id)

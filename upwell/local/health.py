"""Whether each process of a running stack answers now."""

from __future__ import annotations

import asyncio

from upwell.events import SERVICES
from upwell.local.folder import DataFolder
from upwell.local.readiness import Probe, bus_answers, grpc_serves, http_answers
from upwell.local.record import load_record
from upwell.local.servers import BUS, HEALTH_PATH, OBJECT_STORE
from upwell.permissions import ADMIN


async def health(folder: DataFolder) -> dict[str, bool]:
    """By process; empty where no stack was ever started."""
    record = load_record(folder)
    if record is None:
        return {}
    probes: dict[str, Probe] = {
        BUS: bus_answers(record.bus_url(ADMIN)),
        OBJECT_STORE: http_answers(record.ports[OBJECT_STORE], HEALTH_PATH),
        **{service: grpc_serves(record.ports[service]) for service in SERVICES},
    }
    answers = await asyncio.gather(*(probe() for probe in probes.values()))
    return dict(zip(probes, answers, strict=True))

"""What the embedded stack consists of, in the order in which it starts."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from upwell.bus import connection
from upwell.events import SERVICES
from upwell.local.environment import service_environment
from upwell.local.folder import DataFolder
from upwell.local.processes import ProcessSpec
from upwell.local.readiness import grpc_serves
from upwell.local.record import Record
from upwell.local.servers import bus_server, object_store
from upwell.permissions import ADMIN
from upwell.streams import ensure


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Processes that start together, and what is to be done once all of them answer."""

    processes: Sequence[ProcessSpec]
    then: Callable[[], Awaitable[None]] | None = None


def stages(folder: DataFolder, record: Record) -> tuple[Stage, ...]:
    """The servers, the bootstrap step on the bus, then the services."""

    async def bootstrap() -> None:
        async with connection(record.bus_url(ADMIN)) as client:
            await ensure(client.jetstream())

    return (
        Stage(processes=(bus_server(folder, record), object_store(folder, record)), then=bootstrap),
        Stage(processes=[service(name, folder=folder, record=record) for name in SERVICES]),
    )


def service(name: str, *, folder: DataFolder, record: Record) -> ProcessSpec:
    """One of the five, as `python -m <name>`."""
    folder.of(name).mkdir(exist_ok=True)
    return ProcessSpec(
        name=name,
        command=(sys.executable, "-m", name),
        environment=service_environment(name, folder=folder, record=record),
        log=folder.log(name),
        port=record.ports[name],
        probe=grpc_serves(record.ports[name]),
    )

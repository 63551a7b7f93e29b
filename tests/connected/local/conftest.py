"""A real nats-server with the users and streams of the subject table."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from upwell.bus import connection
from upwell.local.folder import DataFolder
from upwell.local.processes import Keeper
from upwell.local.record import Record, renew_record
from upwell.local.servers import bus_server
from upwell.permissions import ADMIN
from upwell.streams import ensure


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bus(tmp_path_factory) -> AsyncIterator[Record]:
    folder = DataFolder.at(Path(tmp_path_factory.mktemp("bus")))
    folder.make()
    record = renew_record(folder)
    keeper = Keeper(bus_server(folder, record), on_change=lambda: None)
    await keeper.start()
    async with connection(record.bus_url(ADMIN)) as admin:
        await ensure(admin.jetstream())
    yield record
    await keeper.stop()

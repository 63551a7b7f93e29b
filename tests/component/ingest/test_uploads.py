"""A caller who goes away while the file is being read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.contracts.work import WorkState, failure_of
from shared.errors import InvalidInputError
from shared.runtime.artifacts import Artifacts
from shared.runtime.database import Database
from shared.runtime.migrations import migrate
from shared.runtime.object_store import FolderObjectStore
from svc_ingest.adapters.scratch import DiskScratch
from svc_ingest.adapters.store import SqlIngestStore
from svc_ingest.bootstrap import MIGRATIONS
from svc_ingest.rpc.uploads import Uploads
from svc_ingest.use_cases.make import DatasetMaker
from svc_ingest.use_cases.streams import Streams
from tests.component.ingest.running import header
from tests.use_cases.ingest.fakes import FakeReader
from upwell.ingest.v1 import ingest_service_pb2 as pb


class Place:
    """Uploads over a reader that can be held up."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(f"sqlite:///{folder}/svc_ingest.db", schema="svc_ingest")
        migrate(self.database, MIGRATIONS)
        self.store = SqlIngestStore(self.database, source="svc_ingest")
        self.reader, self.scratch = FakeReader(), DiskScratch(folder / "scratch")
        artifacts = Artifacts(FolderObjectStore(folder / "objects"))
        maker = DatasetMaker(reader=self.reader, artifacts=artifacts, scratch=self.scratch)
        ids = (str(number) for number in range(100))
        streams = Streams(
            store=self.store, maker=maker, reader=self.reader, explain=failure_of, new_id=lambda: next(ids)
        )
        self.uploads = Uploads(streams=streams, scratch=self.scratch, slots=1, max_uploads=8, max_bytes=1000)

    def states(self) -> list[WorkState]:
        with self.store.reading() as tx:
            return [work.state for work in tx.work.list(limit=10)]

    def left_over(self) -> list[str]:
        return [path.name for path in self.scratch.own.iterdir() if not path.name.startswith(".")]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


async def stream(text: bytes = b"one\ntwo") -> AsyncIterator[pb.IngestRequest]:
    yield header()
    yield pb.IngestRequest(chunk=text)


async def begun(place: Place) -> None:
    assert await asyncio.to_thread(place.reader.reading.wait, 5)


async def test_the_reading_ends_and_then_the_file_goes(place: Place) -> None:
    place.reader.gate.clear()
    call = asyncio.create_task(place.uploads.take(stream()))
    await begun(place)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert place.states() == [WorkState.CANCELLED]
    assert place.left_over() == []
    place.database.dispose()


async def test_one_who_waits_for_a_turn_may_go_away_too(place: Place) -> None:
    place.reader.gate.clear()
    first = asyncio.create_task(place.uploads.take(stream()))
    await begun(place)
    second = asyncio.create_task(place.uploads.take(stream()))
    while len(place.left_over()) < 3:
        await asyncio.sleep(0.01)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    place.reader.gate.set()
    job_id, produced = await first
    assert (job_id, produced.rows) == ("0", 2)
    assert sorted(place.states()) == [WorkState.CANCELLED, WorkState.COMPLETED]
    assert place.left_over() == []
    place.database.dispose()


async def test_an_error_frees_the_place_for_the_next(place: Place) -> None:
    for _ in range(10):
        with pytest.raises(InvalidInputError):
            await place.uploads.take(stream(b"bad"))
    assert (await place.uploads.take(stream()))[1].rows == 2
    place.database.dispose()

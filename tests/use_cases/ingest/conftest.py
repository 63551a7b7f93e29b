"""svc_ingest's use cases over a real SQLite file, a folder of objects and a fake reader."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.contracts.work import failure_of
from shared.runtime.artifacts import Artifacts
from shared.runtime.database import Database
from shared.runtime.migrations import migrate
from shared.runtime.object_store import FolderObjectStore
from svc_ingest.adapters.store import SqlIngestStore
from svc_ingest.bootstrap import MIGRATIONS
from svc_ingest.use_cases.imports import Imports
from svc_ingest.use_cases.make import DatasetMaker
from svc_ingest.use_cases.streams import Streams
from tests.use_cases.ingest.fakes import FakeReader, FakeScratch
from tests.use_cases.ingest.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    database = Database(f"sqlite:///{tmp_path}/svc_ingest.db", schema="svc_ingest")
    migrate(database, MIGRATIONS)
    store = SqlIngestStore(database, source="svc_ingest")
    artifacts = Artifacts(FolderObjectStore(tmp_path / "objects"))
    reader, scratch = FakeReader(), FakeScratch(tmp_path / "scratch")
    maker = DatasetMaker(reader=reader, artifacts=artifacts, scratch=scratch)
    folder = tmp_path / "import"
    folder.mkdir()
    ids = (f"stream-{number}" for number in range(100))
    yield World(
        imports=Imports(store=store, maker=maker, reader=reader, folder=folder, explain=failure_of),
        streams=Streams(store=store, maker=maker, reader=reader, explain=failure_of, new_id=lambda: next(ids)),
        reader=reader,
        scratch=scratch,
        artifacts=artifacts,
        store=store,
        database=database,
        folder=folder,
    )
    database.dispose()

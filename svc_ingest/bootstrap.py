"""Wires the service: the one file that names adapters."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

from shared.contracts.work import failure_of
from shared.ports import ArtifactStore
from shared.runtime.app import App
from shared.runtime.artifacts import Artifacts
from shared.runtime.auth import authenticator_for
from shared.runtime.bus import Bus
from shared.runtime.database import database_for
from shared.runtime.grpc_server import GrpcServer, Rpc
from shared.runtime.object_store import object_store_for
from shared.runtime.worker import Worker
from svc_ingest.adapters.reader import SourceReader
from svc_ingest.adapters.scratch import DiskScratch
from svc_ingest.adapters.series_cache import DiskSeriesCache
from svc_ingest.adapters.store import SqlIngestStore
from svc_ingest.handlers import take_events
from svc_ingest.ports import IngestStore
from svc_ingest.rpc.ingest import ingest_rpc
from svc_ingest.rpc.uploads import Uploads
from svc_ingest.settings import DEFAULT_PORT, IngestSettings
from svc_ingest.use_cases.chats import ChatPreviews
from svc_ingest.use_cases.imports import Imports
from svc_ingest.use_cases.make import DatasetMaker
from svc_ingest.use_cases.previews import Previews
from svc_ingest.use_cases.streams import Streams
from svc_ingest.use_cases.tables import TablePreviews

NAME = "svc_ingest"
MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the service does, ready to be reached."""

    imports: Imports
    rpc: Rpc


def assemble(settings: IngestSettings, *, store: IngestStore, artifacts: ArtifactStore) -> Parts:
    """The service between its database and object store on one side, bus and gRPC on the other."""
    scratch = DiskScratch(settings.data_dir.absolute() / "scratch")
    reader = SourceReader()
    maker = DatasetMaker(reader=reader, artifacts=artifacts, scratch=scratch)
    imports = Imports(store=store, maker=maker, reader=reader, folder=settings.import_dir, explain=failure_of)
    uploads = Uploads(
        streams=Streams(store=store, maker=maker, reader=reader, explain=failure_of, new_id=lambda: str(uuid.uuid4())),
        scratch=scratch,
        slots=settings.ingest_slots,
        max_uploads=settings.max_uploads,
        max_bytes=settings.max_upload_bytes,
    )
    cache = DiskSeriesCache(scratch.own / "series", artifacts, max_bytes=settings.preview_cache_bytes)
    previews = Previews(artifacts=artifacts, cache=cache, reader=reader, scratch=scratch)
    chats = ChatPreviews(artifacts=artifacts, cache=cache)
    tables = TablePreviews(artifacts=artifacts, cache=cache, reader=reader)
    rpc = ingest_rpc(uploads=uploads, imports=imports, previews=previews, chats=chats, tables=tables, store=store)
    return Parts(imports=imports, rpc=rpc)


def build(settings: IngestSettings) -> App:
    """The service as its settings say; nothing connects yet."""
    database = database_for(settings, service=NAME)
    store = SqlIngestStore(database, source=NAME)
    objects = object_store_for(settings)
    parts = assemble(settings, store=store, artifacts=Artifacts(objects))
    imports = parts.imports
    bus = Bus(settings, service=NAME)
    take_events(bus, imports)
    server = GrpcServer(settings, default_port=DEFAULT_PORT, rpcs=[parts.rpc], auth=authenticator_for(settings))
    worker = Worker(
        name="imports",
        store=store,
        execute=lambda work, lease: imports.execute(work, lambda: lease.must_stop),
        on_failed=imports.failed,
        slots=settings.ingest_slots,
        lease_s=settings.lease_seconds,
        patience_s=settings.patience_seconds,
    )
    return App(
        name=NAME,
        settings=settings,
        bus=bus,
        server=server,
        database=database,
        migrations=MIGRATIONS,
        objects=objects,
        workers=[worker],
    )

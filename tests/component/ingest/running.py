"""svc_ingest's gRPC server in this process: real readers, SQLite and a folder of objects."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2
from pydantic import SecretStr
from sqlmodel import select

from shared.runtime.artifacts import Artifacts
from shared.runtime.auth import authenticator_for
from shared.runtime.database import Database
from shared.runtime.grpc_server import GrpcServer
from shared.runtime.migrations import migrate
from shared.runtime.object_store import FolderObjectStore
from shared.runtime.outbox import OutboxRow
from svc_ingest.adapters.store import SqlIngestStore
from svc_ingest.bootstrap import MIGRATIONS, assemble
from svc_ingest.settings import DEFAULT_PORT, IngestSettings
from upwell.ingest.v1 import ingest_service_pb2 as pb
from upwell.ingest.v1 import ingest_service_pb2_grpc as pb_grpc
from upwell.local.ports import choose_ports

TOKENS = {"viewer": "token-v", "reviewer": "token-r"}
CSV = b"time,a,b\n" + b"".join(b"2024-01-01T00:00:%02d,%d,%d.5\n" % (i, i, i) for i in range(60))
Metadata = tuple[tuple[str, str], ...]


class CountingObjects(FolderObjectStore):
    """Counts downloads."""

    downloads = 0

    def get_file(self, key: str, path: Path) -> None:
        self.downloads += 1
        super().get_file(key, path)


@dataclass
class Running:
    """A server and what stands behind it."""

    address: str
    stub: pb_grpc.IngestServiceAsyncStub
    objects: CountingObjects
    artifacts: Artifacts
    database: Database
    settings: IngestSettings

    async def ingest(self, data: bytes, name: str = "pump", **options: Any) -> pb.IngestResponse:
        """Stream bytes as a reviewer."""
        return await self.stub.Ingest(parts(data, name=name, **options), metadata=token("reviewer"))

    async def jobs(self) -> list[pb.IngestJob]:
        """Newest first, as a viewer."""
        answer = await self.stub.ListJobs(pb.ListJobsRequest(), metadata=token("viewer"))
        return list(answer.jobs)

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """What waits to be published: (subject, body)."""
        with self.database.reading() as session:
            rows = session.exec(select(OutboxRow).order_by(OutboxRow.id)).all()  # type: ignore[arg-type]
            return [(row.subject, json.loads(row.body)) for row in rows]

    def left_over(self) -> list[Path]:
        """Spooled files and working folders."""
        return [*self.settings.data_dir.rglob("upload-*"), *self.settings.data_dir.rglob("work-*")]


def token(role: str) -> Metadata:
    """Metadata of a caller with this role."""
    return (("authorization", f"Bearer {TOKENS[role]}"),)


def header(name: str = "pump", source: str = "csv", file_name: str = "pump.csv", **options: Any) -> pb.IngestRequest:
    """The first part of a stream."""
    request = pb.IngestRequest(header=pb.IngestHeader(name=name, source=source, file_name=file_name))
    for field, value in options.items():
        if isinstance(value, list):
            getattr(request.header.options, field).extend(value)
        else:
            setattr(request.header.options, field, value)
    return request


def parts(data: bytes, chunk_bytes: int = 1000, **asked: Any) -> Iterator[pb.IngestRequest]:
    """A header and chunks."""
    yield header(**asked)
    for start in range(0, len(data), chunk_bytes):
        yield pb.IngestRequest(chunk=data[start : start + chunk_bytes])


def violations(error: grpc.aio.AioRpcError) -> dict[str, str]:
    """Field -> reason, from the error's details."""
    details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
    if details is None:
        return {}
    bad_request = error_details_pb2.BadRequest()
    (detail,) = status_pb2.Status.FromString(details).details
    assert detail.Unpack(bad_request)
    return {violation.field: violation.description for violation in bad_request.field_violations}


async def running(folder: Path, **changed: Any) -> AsyncIterator[Running]:
    """Serve for the length of a test."""
    port = choose_ports(["svc_ingest"], {})["svc_ingest"]
    (folder / "import").mkdir()
    settings = IngestSettings(
        data_dir=folder / "data",
        import_dir=folder / "import",
        grpc_port=port,
        tokens=SecretStr(",".join(f"{role}:{role}:{secret}" for role, secret in TOKENS.items())),
        **changed,
    )
    database = Database(f"sqlite:///{folder}/svc_ingest.db", schema="svc_ingest")
    migrate(database, MIGRATIONS)
    objects = CountingObjects(folder / "objects")
    artifacts = Artifacts(objects)
    assembled = assemble(settings, store=SqlIngestStore(database, source="svc_ingest"), artifacts=artifacts)
    server = GrpcServer(settings, default_port=DEFAULT_PORT, rpcs=[assembled.rpc], auth=authenticator_for(settings))
    await server.start()
    await server.set_ready(ready=True)
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield Running(
            address=server.address,
            stub=pb_grpc.IngestServiceStub(channel),
            objects=objects,
            artifacts=artifacts,
            database=database,
            settings=settings,
        )
    await server.stop(1)
    database.dispose()

"""IngestService: translate, delegate, translate."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

from shared.errors import InvalidInputError
from shared.runtime.auth import Role
from shared.runtime.grpc_server import Rpc
from svc_ingest import wire
from svc_ingest.ports import IngestStore
from svc_ingest.rpc.uploads import Uploads
from svc_ingest.sources.base import installed_sources
from svc_ingest.use_cases.chats import ChatPreviews
from svc_ingest.use_cases.imports import Imports
from svc_ingest.use_cases.previews import Previews
from svc_ingest.use_cases.tables import TablePreviews
from upwell.ingest.v1 import chat_pb2, table_pb2
from upwell.ingest.v1 import ingest_service_pb2 as pb
from upwell.ingest.v1 import ingest_service_pb2_grpc as pb_grpc

DEFAULT_PAGE = 100
LARGEST_PAGE = 1000
# Each may download a series: they must not take all the threads, which renew leases as well.
PREVIEWS_AT_ONCE = 2


class IngestService(pb_grpc.IngestServiceServicer):
    """Files in, jobs and previews out."""

    def __init__(
        self,
        *,
        uploads: Uploads,
        imports: Imports,
        previews: Previews,
        chats: ChatPreviews,
        tables: TablePreviews,
        store: IngestStore,
    ) -> None:
        self._uploads = uploads
        self._imports = imports
        self._previews = previews
        self._chats = chats
        self._tables = tables
        self._store = store
        self._previewing = asyncio.Semaphore(PREVIEWS_AT_ONCE)

    async def Ingest(self, request_iterator: AsyncIterator[pb.IngestRequest], context: Any) -> pb.IngestResponse:
        """Take a streamed file."""
        job_id, produced = await self._uploads.take(aiter(request_iterator))
        return wire.produced_message(job_id, produced)

    async def StartImport(self, request: pb.StartImportRequest, context: Any) -> pb.StartImportResponse:
        """Record a job on a file of the import folder."""
        asked = request.request
        job_id = asked.job_id or str(uuid.uuid4())
        await asyncio.to_thread(self._imports.record, job_id, wire.import_request(asked))
        return pb.StartImportResponse(job_id=job_id)

    async def GetJob(self, request: pb.GetJobRequest, context: Any) -> pb.GetJobResponse:
        """By id."""

        def find() -> pb.GetJobResponse:
            with self._store.reading() as tx:
                return pb.GetJobResponse(job=wire.job_message(tx.work.get(request.job_id)))

        return await asyncio.to_thread(find)

    async def ListJobs(self, request: pb.ListJobsRequest, context: Any) -> pb.ListJobsResponse:
        """Newest first."""
        if request.page_size > LARGEST_PAGE:
            raise InvalidInputError.of("page_size", f"{request.page_size} is too large: ask for 1 to {LARGEST_PAGE}")

        def page() -> pb.ListJobsResponse:
            with self._store.reading() as tx:
                found = tx.work.list(limit=request.page_size or DEFAULT_PAGE)
                return pb.ListJobsResponse(jobs=[wire.job_message(work) for work in found])

        return await asyncio.to_thread(page)

    async def Preview(self, request: pb.PreviewRequest, context: Any) -> pb.PreviewResponse:
        """Buckets of a stored series."""

        def look() -> pb.PreviewResponse:
            found = self._previews.preview(
                request.manifest_digest,
                channels=request.channels,
                start_row=request.start_row,
                end_row=request.end_row,
                buckets=request.buckets,
            )
            return wire.preview_message(found)

        async with self._previewing:
            return await asyncio.to_thread(look)

    async def PreviewConversations(
        self, request: chat_pb2.PreviewConversationsRequest, context: Any
    ) -> chat_pb2.PreviewConversationsResponse:
        """Some conversations of a chat dataset."""

        def look() -> chat_pb2.PreviewConversationsResponse:
            found = self._chats.preview(request.manifest_digest, start_row=request.start_row, count=request.count)
            return wire.conversations_message(found)

        async with self._previewing:
            return await asyncio.to_thread(look)

    async def PreviewRows(self, request: table_pb2.PreviewRowsRequest, context: Any) -> table_pb2.PreviewRowsResponse:
        """Some rows of a profile, of plans or of segments."""

        def look() -> table_pb2.PreviewRowsResponse:
            found = self._tables.preview(request.manifest_digest, start_row=request.start_row, count=request.count)
            return wire.rows_message(found)

        async with self._previewing:
            return await asyncio.to_thread(look)

    async def ListSources(self, request: pb.ListSourcesRequest, context: Any) -> pb.ListSourcesResponse:
        """By name."""

        def load() -> pb.ListSourcesResponse:
            return pb.ListSourcesResponse(sources=[wire.source_message(source) for source in installed_sources()])

        # Their packages are imported here for the first time, which takes a moment.
        return await asyncio.to_thread(load)


def ingest_rpc(
    *,
    uploads: Uploads,
    imports: Imports,
    previews: Previews,
    chats: ChatPreviews,
    tables: TablePreviews,
    store: IngestStore,
) -> Rpc:
    """The service with its roles."""
    servicer = IngestService(
        uploads=uploads, imports=imports, previews=previews, chats=chats, tables=tables, store=store
    )
    return Rpc(
        full_name="upwell.ingest.v1.IngestService",
        add_to=lambda server: pb_grpc.add_IngestServiceServicer_to_server(servicer, server),
        roles={"Ingest": Role.REVIEWER, "StartImport": Role.REVIEWER},
    )

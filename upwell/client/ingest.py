"""Files in, datasets out."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import grpc

from upwell.client.calls import Caller
from upwell.client.named import one_named
from upwell.client.zarr_folder import packed
from upwell.errors import ToolError, UpwellClientError
from upwell.ingest.v1 import chat_pb2, events_pb2, ingest_service_pb2, ingest_service_pb2_grpc, table_pb2

CHUNK_BYTES = 2**20
UPLOAD_DEADLINE_S = 3600.0
PREVIEW_DEADLINE_S = 60.0
# A service that refuses a file in the middle ends the call while we still write. In about one of fifty such refusals
# (measured) grpc.aio reports the broken write in these words instead of the answer; sent again, the file is one job.
LOST_ANSWER = "Internal error from Core"
LOST_ANSWERS = 3
# Called with the bytes sent so far and the size of the file.
Progress = Callable[[int, int], None]


class IngestClient:
    """svc_ingest."""

    def __init__(self, channel: grpc.aio.Channel, caller: Caller) -> None:
        self._stub = ingest_service_pb2_grpc.IngestServiceStub(channel)
        self._caller = caller

    async def file(
        self,
        path: Path,
        *,
        name: str,
        source: str = "",
        options: events_pb2.ReadOptions | None = None,
        parameters: Mapping[str, Any] | None = None,
        progress: Progress | None = None,
        packing: Progress | None = None,
        deadline_s: float = UPLOAD_DEADLINE_S,
    ) -> ingest_service_pb2.IngestResponse:
        """Stream a file; the answer comes when the dataset is stored and announced.

        Args:
            path: the file, or the folder of a Zarr store, which is packed into a temporary zip.
            name: of the dataset to make.
            source: such as `csv` or `profile`; empty tells by the file's ending.
            options: how to read a series.
            parameters: those of a source of another kind.
            progress: told after each chunk.
            packing: told, in the same way, while a folder is packed.
            deadline_s: for all of it.

        Raises:
            ToolError: the file cannot be read.
            UpwellClientError: the service refused it; the message names the line or column.
        """
        async with packed(path, packing) as file:
            header = ingest_service_pb2.IngestHeader(name=name, source=source, file_name=file.name, options=options)
            header.parameters.update(parameters or {})
            return await self._send_until_answered(file, header, progress, deadline_s)

    async def _send_until_answered(
        self,
        path: Path,
        header: ingest_service_pb2.IngestHeader,
        progress: Progress | None,
        deadline_s: float,
    ) -> ingest_service_pb2.IngestResponse:
        for _ in range(LOST_ANSWERS):
            try:
                return await self._send(path, header, progress, deadline_s)
            except UpwellClientError as error:
                if error.message != LOST_ANSWER:
                    raise
        return await self._send(path, header, progress, deadline_s)

    async def _send(
        self,
        path: Path,
        header: ingest_service_pb2.IngestHeader,
        progress: Progress | None,
        deadline_s: float,
    ) -> ingest_service_pb2.IngestResponse:
        with _opened(path) as file:
            parts = _parts(file, header, progress)
            return await self._caller.send(self._stub.Ingest, parts, deadline_s=deadline_s)

    async def sources(self) -> Sequence[ingest_service_pb2.Source]:
        """The sources installed on the server."""
        answer = await self._caller.call(self._stub.ListSources, ingest_service_pb2.ListSourcesRequest())
        return answer.sources

    async def source(self, name: str) -> ingest_service_pb2.Source:
        """One of them; ToolError names the nearest where there is none of that name."""
        return one_named(name, await self.sources(), what="source")

    async def start_import(self, request: events_pb2.IngestRequested) -> str:
        """Have a file of the server's import folder read; the job's id."""
        answer = await self._caller.call(self._stub.StartImport, ingest_service_pb2.StartImportRequest(request=request))
        return answer.job_id

    async def job(self, job_id: str) -> ingest_service_pb2.IngestJob:
        """One ingest job."""
        answer = await self._caller.call(self._stub.GetJob, ingest_service_pb2.GetJobRequest(job_id=job_id))
        return answer.job

    async def jobs(self, *, limit: int = 0) -> Sequence[ingest_service_pb2.IngestJob]:
        """Ingest jobs, newest first."""
        answer = await self._caller.call(self._stub.ListJobs, ingest_service_pb2.ListJobsRequest(page_size=limit))
        return answer.jobs

    async def preview(
        self,
        manifest_digest: str,
        *,
        channels: Sequence[str] = (),
        start_row: int = 0,
        end_row: int = 0,
        buckets: int = 0,
    ) -> ingest_service_pb2.PreviewResponse:
        """Minima and maxima in buckets; see the fields of `PreviewRequest`."""
        request = ingest_service_pb2.PreviewRequest(
            manifest_digest=manifest_digest, channels=channels, start_row=start_row, end_row=end_row, buckets=buckets
        )
        return await self._caller.call(self._stub.Preview, request, deadline_s=PREVIEW_DEADLINE_S)

    async def conversations(
        self, manifest_digest: str, *, start_row: int = 0, count: int = 0
    ) -> chat_pb2.PreviewConversationsResponse:
        """Some conversations of a chat dataset; see the fields of `PreviewConversationsRequest`."""
        request = chat_pb2.PreviewConversationsRequest(
            manifest_digest=manifest_digest, start_row=start_row, count=count
        )
        return await self._caller.call(self._stub.PreviewConversations, request, deadline_s=PREVIEW_DEADLINE_S)

    async def rows(self, manifest_digest: str, *, start_row: int = 0, count: int = 0) -> table_pb2.PreviewRowsResponse:
        """Some rows of a profile, of plans or of segments; see the fields of `PreviewRowsRequest`."""
        request = table_pb2.PreviewRowsRequest(manifest_digest=manifest_digest, start_row=start_row, count=count)
        return await self._caller.call(self._stub.PreviewRows, request, deadline_s=PREVIEW_DEADLINE_S)


# Opened before the call begins: what a stream of requests raises never reaches the caller.
@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise ToolError(f"{path} cannot be read: {error.strerror}.") from error
    with file:
        yield file


async def _parts(
    file: BinaryIO, header: ingest_service_pb2.IngestHeader, progress: Progress | None
) -> AsyncIterator[ingest_service_pb2.IngestRequest]:
    yield ingest_service_pb2.IngestRequest(header=header)
    size, sent = os.fstat(file.fileno()).st_size, 0
    while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
        yield ingest_service_pb2.IngestRequest(chunk=chunk)
        sent += len(chunk)
        if progress:
            progress(sent, size)

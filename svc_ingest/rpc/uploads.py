"""The life of a streamed file: received, made a dataset of, removed; whatever happens in between."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable

import structlog

from shared.errors import OverloadedError, UnavailableError
from svc_ingest import wire
from svc_ingest.domain.jobs import Produced
from svc_ingest.ports import Scratch, Spool
from svc_ingest.rpc.receive import receive_chunks, receive_header
from svc_ingest.use_cases.streams import StreamJob, Streams
from upwell.ingest.v1 import ingest_service_pb2 as pb

log = structlog.get_logger(__name__)


class Uploads:
    """Streamed files, bounded in number and in size.

    Args:
        streams: makes datasets of them.
        scratch: keeps their bytes meanwhile.
        slots: how many are read at once; others wait for their turn.
        max_uploads: how many may be here at once; others are refused.
        max_bytes: the largest file.
    """

    def __init__(self, *, streams: Streams, scratch: Scratch, slots: int, max_uploads: int, max_bytes: int) -> None:
        self._streams = streams
        self._scratch = scratch
        self._slots = asyncio.Semaphore(slots)
        self._max_uploads = max_uploads
        self._max_bytes = max_bytes
        self._open = 0

    async def take(self, parts: AsyncIterator[pb.IngestRequest]) -> tuple[str, Produced]:
        """Take one file to its end: (job id, dataset).

        Raises:
            InvalidInputError: the header, the file or the way it was streamed is wrong.
            OverloadedError: too many files are here.
        """
        header = await receive_header(parts)
        stream = await asyncio.to_thread(self._streams.accept, wire.stream_request(header))
        if self._open >= self._max_uploads:
            raise OverloadedError(f"{self._open} files are being streamed already: try again later")
        self._open += 1
        spool = self._scratch.spool()
        try:
            await receive_chunks(parts, spool, max_bytes=self._max_bytes)
            async with self._slots:
                return stream.id, await self._ingest(stream, spool)
        except asyncio.CancelledError:
            await self._kept(lambda: self._streams.cancel(stream))
            raise
        except Exception as error:
            failure = error
            await self._kept(lambda: self._streams.fail(stream, failure))
            raise
        finally:
            self._open -= 1
            await asyncio.to_thread(spool.discard)

    async def _ingest(self, stream: StreamJob, spool: Spool) -> Produced:
        stop = threading.Event()
        work = asyncio.create_task(asyncio.to_thread(self._streams.ingest, stream, spool, stop.is_set))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            # The caller went away. The thread ends soon, and only then may its file go.
            stop.set()
            await asyncio.gather(work, return_exceptions=True)
            raise

    async def _kept(self, keep: Callable[[], None]) -> None:
        try:
            await asyncio.to_thread(keep)
        except UnavailableError as error:
            log.warning("streamed job not kept", error=str(error))

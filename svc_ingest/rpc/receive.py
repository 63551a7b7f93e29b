"""The bytes of a streamed file: a header first, then chunks, into a spool."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from shared.errors import InvalidInputError
from svc_ingest.ports import Spool
from upwell.ingest.v1 import ingest_service_pb2 as pb

MAX_CHUNK_BYTES = 2**20


async def receive_header(parts: AsyncIterator[pb.IngestRequest]) -> pb.IngestHeader:
    """The first part, which must be the header."""
    first = await anext(parts, None)
    if first is None:
        raise InvalidInputError.of("header", "the stream is empty: send a header, then the file in chunks")
    if first.WhichOneof("part") != "header":
        raise InvalidInputError.of("header", "must come first, before any chunk")
    return first.header


async def receive_chunks(parts: AsyncIterator[pb.IngestRequest], spool: Spool, *, max_bytes: int) -> None:
    """Write all other parts, which must be chunks, to the spool."""
    async for part in parts:
        if part.WhichOneof("part") == "header":
            raise InvalidInputError.of("header", "must come once, as the first part")
        if len(part.chunk) > MAX_CHUNK_BYTES:
            reason = f"has {len(part.chunk)} bytes; send at most {MAX_CHUNK_BYTES} (1 MiB) at once"
            raise InvalidInputError.of("chunk", reason)
        if spool.size_bytes + len(part.chunk) > max_bytes:
            reason = f"the file has more than {max_bytes} bytes (UPWELL_MAX_UPLOAD_BYTES); use the import folder"
            raise InvalidInputError.of("chunk", reason)
        await asyncio.to_thread(spool.write, part.chunk)

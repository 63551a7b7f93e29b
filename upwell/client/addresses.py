"""Where the bytes of a version can be had: signed addresses, good for a while."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from upwell.client.calls import Caller
from upwell.errors import ToolError
from upwell.registry.v1 import artifact_service_pb2, artifact_service_pb2_grpc

# A request that is begun with an address has to reach the object store before it expires.
MARGIN = timedelta(seconds=30)


class Addresses:
    """The addresses of a version, asked for page by page and again when they are about to expire."""

    def __init__(
        self,
        caller: Caller,
        stub: artifact_service_pb2_grpc.ArtifactServiceAsyncStub,
        request: artifact_service_pb2.GetDownloadRequest,
    ) -> None:
        self._caller = caller
        self._stub = stub
        self._request = request
        self._urls: dict[str, str] = {}
        self._expires_at = datetime.max.replace(tzinfo=UTC)
        self._lock = asyncio.Lock()

    async def first(self) -> artifact_service_pb2.GetDownloadResponse:
        """The first page; later ones are of the same version, even if an alias moves meanwhile."""
        answer = await self._caller.call(self._stub.GetDownload, self._request)
        self._take(answer)
        which = self._request.WhichOneof("version")
        assert which is not None
        pinned = answer.manifest_digest if which == "base" else answer.reference
        self._request = artifact_service_pb2.GetDownloadRequest(**{which: pinned}, page_token=answer.next_page_token)
        return answer

    async def url(self, sha256: str, *, fresh: bool = False) -> str:
        """Where a blob can be had now."""
        async with self._lock:
            if fresh or datetime.now(UTC) > self._expires_at - MARGIN:
                self._forget()
            while sha256 not in self._urls:
                answer = await self._caller.call(self._stub.GetDownload, self._request)
                self._take(answer)
                if sha256 not in self._urls and not answer.next_page_token:
                    raise ToolError("The registry gives no address for a file of its own manifest.")
                self._request.page_token = answer.next_page_token
            return self._urls[sha256]

    def _take(self, answer: artifact_service_pb2.GetDownloadResponse) -> None:
        self._urls |= {file.sha256: file.url for file in answer.files}
        self._expires_at = min(self._expires_at, answer.expires_at.ToDatetime(UTC))

    def _forget(self) -> None:
        self._urls.clear()
        self._request.page_token = ""
        self._expires_at = datetime.max.replace(tzinfo=UTC)

"""ArtifactService: translate, delegate, translate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

from shared.ports import ArtifactStore
from shared.runtime.auth import Role, current_principal
from shared.runtime.grpc_server import Rpc
from svc_registry.ports import BlobStore, RegistryStore
from svc_registry.rpc import artifact_messages as messages
from svc_registry.rpc.registry import page_start
from svc_registry.use_cases.collecting import collect_garbage
from svc_registry.use_cases.downloading import sign_download
from svc_registry.use_cases.uploading import finish_upload, start_upload
from svc_registry.use_cases.verifying import verify
from upwell.registry.v1 import artifact_service_pb2 as pb
from upwell.registry.v1 import artifact_service_pb2_grpc as pb_grpc

T = TypeVar("T")


class ArtifactService(pb_grpc.ArtifactServiceServicer):
    """The files of versions over gRPC."""

    def __init__(self, store: RegistryStore, artifacts: ArtifactStore, blobs: BlobStore) -> None:
        self._store = store
        self._artifacts = artifacts
        self._blobs = blobs

    async def GetDownload(self, request: pb.GetDownloadRequest, context: Any) -> pb.GetDownloadResponse:
        """A page of addresses."""
        choice, start = messages.choice(request), page_start(request.page_token)
        download = await asyncio.to_thread(
            sign_download, self._store, self._artifacts, self._blobs, choice, start=start
        )
        return messages.download_message(download)

    async def StartUpload(self, request: pb.StartUploadRequest, context: Any) -> pb.StartUploadResponse:
        """Addresses for what is missing."""
        wanted = [(blob.sha256, blob.size_bytes) for blob in request.blobs]
        return messages.targets_message(await asyncio.to_thread(start_upload, self._blobs, wanted))

    async def FinishUpload(self, request: pb.FinishUploadRequest, context: Any) -> pb.FinishUploadResponse:
        """A version, as the caller's."""
        made = await asyncio.to_thread(
            finish_upload,
            self._store,
            self._blobs,
            messages.upload(request),
            now=datetime.now(UTC),
            uploaded_by=current_principal().name,
        )
        return messages.made_message(made)

    async def Verify(self, request: pb.VerifyRequest, context: Any) -> AsyncIterator[pb.VerifyResponse]:
        """File by file."""
        choice = None if request.all else messages.choice(request)
        async for found in _stepwise(verify(self._store, self._artifacts, self._blobs, choice)):
            yield messages.found_message(found)

    async def CollectGarbage(
        self, request: pb.CollectGarbageRequest, context: Any
    ) -> AsyncIterator[pb.CollectGarbageResponse]:
        """Blob by blob, then the sums."""
        count = size_bytes = 0
        garbage = collect_garbage(self._artifacts, self._blobs, now=lambda: datetime.now(UTC), delete=request.delete)
        async for blob in _stepwise(garbage):
            count, size_bytes = count + 1, size_bytes + blob.size_bytes
            yield messages.blob_message(blob)
        yield pb.CollectGarbageResponse(count=count, size_bytes=size_bytes)


async def _stepwise(items: Iterator[T]) -> AsyncIterator[T]:
    """Each item is made in a thread, when it is asked for: a caller who goes away ends the work."""
    done = object()
    while (item := await asyncio.to_thread(next, items, done)) is not done:
        yield item  # type: ignore[misc]


def artifact_rpc(store: RegistryStore, artifacts: ArtifactStore, blobs: BlobStore) -> Rpc:
    """The service with its roles."""
    servicer = ArtifactService(store, artifacts, blobs)
    return Rpc(
        full_name="upwell.registry.v1.ArtifactService",
        add_to=lambda server: pb_grpc.add_ArtifactServiceServicer_to_server(servicer, server),
        roles={"StartUpload": Role.TRAINER, "FinishUpload": Role.TRAINER, "CollectGarbage": Role.ADMIN},
    )

"""A folder's files into the object store."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from upwell.client.calls import Caller
from upwell.client.files import File, found_files
from upwell.client.transfer import Progress, Transfer, some_at_once
from upwell.registry.v1 import artifact_service_pb2, artifact_service_pb2_grpc

# Files whose addresses are asked for together: few enough that the last is begun before it expires.
FILES_A_CALL = 64


class Push:
    """One upload of a folder.

    Args:
        transfer: moves the bytes.
        caller: who calls.
        stub: svc_registry's artifacts.
        folder: the files.
        progress: told of bytes.
    """

    def __init__(
        self,
        transfer: Transfer,
        caller: Caller,
        stub: artifact_service_pb2_grpc.ArtifactServiceAsyncStub,
        folder: Path,
        progress: Progress,
    ) -> None:
        self._transfer = transfer
        self._caller = caller
        self._stub = stub
        self._folder = folder
        self._progress = progress

    async def run(self, sized: Progress) -> list[File]:
        """Send what the object store does not have; all files of the folder."""
        files = await asyncio.to_thread(found_files, self._folder)
        blobs = list({file.sha256: file for file in files}.values())
        sized(_size(files))
        self._progress(_size(files) - _size(blobs))
        for start in range(0, len(blobs), FILES_A_CALL):
            await self._send(blobs[start : start + FILES_A_CALL])
        return files

    async def _send(self, files: Sequence[File]) -> None:
        blobs = [artifact_service_pb2.UploadBlob(sha256=file.sha256, size_bytes=file.size_bytes) for file in files]
        answer = await self._caller.call(self._stub.StartUpload, artifact_service_pb2.StartUploadRequest(blobs=blobs))
        targets = {target.sha256: target for target in answer.targets}
        missing = [file for file in files if file.sha256 in targets]
        self._progress(_size(files) - _size(missing))

        async def send(file: File) -> None:
            target = targets[file.sha256]
            await asyncio.to_thread(
                self._transfer.upload,
                target.url,
                self._folder / file.path,
                headers=target.headers,
                size_bytes=file.size_bytes,
                progress=self._progress,
            )

        await some_at_once(send, missing)


def _size(files: Sequence[File]) -> int:
    return sum(file.size_bytes for file in files)

"""A version's files into a folder."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from pathlib import Path

from upwell.client.addresses import Addresses
from upwell.client.files import PARTIAL_FOLDER, File, listed_files, local_path, remove_if_empty, stands
from upwell.client.sharegpt import lay_out_sharegpt
from upwell.client.transfer import ExpiredError, Progress, Transfer, some_at_once
from upwell.errors import ToolError
from upwell.registry.v1 import artifact_service_pb2

MAX_MANIFEST_BYTES = 16 * 2**20


class Pull:
    """One download of a version.

    Args:
        transfer: moves the bytes.
        addresses: where they can be had.
        folder: where they go.
        progress: told of bytes.
    """

    def __init__(self, transfer: Transfer, addresses: Addresses, folder: Path, progress: Progress) -> None:
        self._transfer = transfer
        self._addresses = addresses
        self._folder = folder
        self._progress = progress

    async def run(self, sized: Progress) -> str:
        """Fetch what is missing; the version's reference."""
        first = await self._addresses.first()
        manifest, files = await _manifest(self._transfer, first)
        # All paths are looked at before the first byte is written.
        places = [(file, local_path(self._folder, file.path)) for file in files]
        sized(sum(file.size_bytes for file in files))
        await some_at_once(self._fetch, places)
        remove_if_empty(self._folder / PARTIAL_FOLDER)
        await asyncio.to_thread(lay_out_sharegpt, self._folder, manifest)
        return first.reference

    async def _fetch(self, item: tuple[File, Path]) -> None:
        file, path = item
        if await asyncio.to_thread(stands, path, sha256=file.sha256, size_bytes=file.size_bytes):
            self._progress(file.size_bytes)
            return
        try:
            await self._download(file, path, await self._addresses.url(file.sha256))
        except ExpiredError:
            await self._download(file, path, await self._addresses.url(file.sha256, fresh=True))

    async def _download(self, file: File, path: Path, url: str) -> None:
        await asyncio.to_thread(
            self._transfer.download,
            url,
            path,
            sha256=file.sha256,
            size_bytes=file.size_bytes,
            # Named by place too, for one digest may stand at several paths.
            partial=self._folder / PARTIAL_FOLDER / f"{file.sha256}-{sha256(file.path.encode()).hexdigest()[:12]}",
            progress=self._progress,
        )


async def read_file(transfer: Transfer, addresses: Addresses, path: str, *, max_bytes: int) -> bytes | None:
    """The verified bytes of one small file of a version; None where it has none at this path.

    Raises:
        UpwellClientError: there is no such version, or it has no files.
        ToolError: bytes are damaged, missing or more than `max_bytes`, or the object store does not answer.
    """
    _, files = await _manifest(transfer, await addresses.first())
    found = [file for file in files if file.path == path]
    if not found:
        return None
    [file] = found
    data = await asyncio.to_thread(transfer.read, await addresses.url(file.sha256), max_bytes=max_bytes)
    if sha256(data).hexdigest() != file.sha256:
        raise ToolError(f"{path} is damaged in the object store.")
    return data


async def _manifest(transfer: Transfer, first: artifact_service_pb2.GetDownloadResponse) -> tuple[bytes, list[File]]:
    manifest = await asyncio.to_thread(transfer.read, first.manifest_url, max_bytes=MAX_MANIFEST_BYTES)
    return manifest, listed_files(manifest, first.manifest_digest)

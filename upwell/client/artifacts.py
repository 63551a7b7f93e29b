"""The files of versions: down to a folder, and up from one, without a secret of the object store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import json_format, struct_pb2

from upwell.client.addresses import Addresses
from upwell.client.calls import Caller
from upwell.client.pulling import Pull, read_file
from upwell.client.pushing import Push
from upwell.client.transfer import Progress, Transfer
from upwell.errors import ToolError
from upwell.registry.v1 import artifact_service_pb2, artifact_service_pb2_grpc, registry_service_pb2

BUNDLE = "bundle/v1"
FINISH_DEADLINE_S = 600.0
VERIFY_DEADLINE_S = 24 * 3600.0


class ArtifactClient:
    """svc_registry's artifacts, and the bytes behind them.

    `progress` is told of bytes that went through, from several threads; `sized` is told once how many there will be.

    Args:
        channel: to svc_registry.
        caller: who calls.
        ca: PEM file of further roots to trust, for the object store too.
    """

    def __init__(self, channel: grpc.aio.Channel, caller: Caller, *, ca: Path | None = None) -> None:
        self._stub = artifact_service_pb2_grpc.ArtifactServiceStub(channel)
        self._caller = caller
        self._ca = ca

    async def pull(
        self,
        folder: Path,
        *,
        dataset: str = "",
        model: str = "",
        base: str = "",
        progress: Progress = lambda _: None,
        sized: Progress = lambda _: None,
    ) -> str:
        """Download a version; the reference that it has, e.g. `pump-detector@4`.

        Files appear one by one, each whole and verified. What is there already is not fetched again, and what a pull
        before left half done is gone on with.

        Args:
            folder: made when it is not there; files of other names in it are left alone.
            dataset: `name@3`, or `name` for the newest version; exactly one of the three is given.
            model: `name@4`, `name:alias`, or `name` for its champion.
            base: a base's name or digest.
            progress: see above.
            sized: see above.

        Raises:
            UpwellClientError: there is no such version.
            ToolError: bytes are damaged or missing, or the object store does not answer.
        """
        request = artifact_service_pb2.GetDownloadRequest(**_named(dataset=dataset, model=model, base=base))
        with self._transferring() as transfer:
            addresses = Addresses(self._caller, self._stub, request)
            return await Pull(transfer, addresses, folder, progress).run(sized)

    async def read_file(
        self, path: str, *, dataset: str = "", model: str = "", base: str = "", max_bytes: int = 2**20
    ) -> bytes | None:
        """A small file of a version, verified; None where the version has none at this path.

        Raises:
            UpwellClientError: there is no such version, or it has no files.
            ToolError: bytes are damaged, missing or more than `max_bytes`, or the object store does not answer.
        """
        request = artifact_service_pb2.GetDownloadRequest(**_named(dataset=dataset, model=model, base=base))
        with self._transferring() as transfer:
            return await read_file(transfer, Addresses(self._caller, self._stub, request), path, max_bytes=max_bytes)

    async def push_model(
        self,
        folder: Path,
        *,
        name: str,
        dataset: str = "",
        progress: Progress = lambda _: None,
        sized: Progress = lambda _: None,
    ) -> registry_service_pb2.ModelVersion:
        """Upload a bundle and have it registered as a version of a model; the same bundle again is the same version.

        Args:
            folder: the bundle, with its `bundle.json` and `certificate.json`.
            name: of the model.
            dataset: lineage key of what it was trained on, `dataset/NAME/DIGEST`; empty where that is not known.
            progress: see above.
            sized: see above.

        Raises:
            UpwellClientError: it was refused, e.g. because its base is not registered.
            ToolError: a file cannot be read or sent.
        """
        request = artifact_service_pb2.FinishUploadRequest(name=name, kind=BUNDLE, parents=[dataset] if dataset else [])
        return (await self._push(folder, request, progress, sized)).model

    async def push_dataset(
        self,
        folder: Path,
        *,
        name: str,
        kind: str,
        meta: Mapping[str, Any] | None = None,
        parents: Sequence[str] = (),
        progress: Progress = lambda _: None,
        sized: Progress = lambda _: None,
    ) -> registry_service_pb2.DatasetVersion:
        """Upload a folder as a dataset version; the same files and facts again are the same version.

        Args:
            folder: its files, in the layout of the kind.
            name: of the dataset.
            kind: e.g. `series/v1`.
            meta: facts for the manifest, JSON values: what services read there for the kind.
            parents: lineage nodes it was made from.
            progress: see above.
            sized: see above.

        Raises:
            UpwellClientError: it was refused.
            ToolError: a file cannot be read or sent.
        """
        request = artifact_service_pb2.FinishUploadRequest(name=name, kind=kind, parents=parents)
        if meta:
            request.meta.CopyFrom(json_format.ParseDict(dict(meta), struct_pb2.Struct()))
        return (await self._push(folder, request, progress, sized)).dataset

    async def verify(
        self, *, dataset: str = "", model: str = "", base: str = ""
    ) -> AsyncIterator[artifact_service_pb2.VerifyResponse]:
        """Have every file of a version hashed again, or of all versions when none is named."""
        chosen = _named(dataset=dataset, model=model, base=base) if dataset or model or base else {"all": True}
        request = artifact_service_pb2.VerifyRequest(**chosen)
        async for answer in self._caller.receive(self._stub.Verify, request, deadline_s=VERIFY_DEADLINE_S):
            yield answer

    async def collect_garbage(
        self, *, delete: bool = False
    ) -> AsyncIterator[artifact_service_pb2.CollectGarbageResponse]:
        """Blobs that no version lists, each with its size, then the sums; deleted only when that is asked for."""
        request = artifact_service_pb2.CollectGarbageRequest(delete=delete)
        async for answer in self._caller.receive(self._stub.CollectGarbage, request, deadline_s=VERIFY_DEADLINE_S):
            yield answer

    async def _push(
        self, folder: Path, request: artifact_service_pb2.FinishUploadRequest, progress: Progress, sized: Progress
    ) -> artifact_service_pb2.FinishUploadResponse:
        with self._transferring() as transfer:
            files = await Push(transfer, self._caller, self._stub, folder, progress).run(sized)
        for file in files:
            request.files.add(path=file.path, sha256=file.sha256, size_bytes=file.size_bytes)
        return await self._caller.call(self._stub.FinishUpload, request, deadline_s=FINISH_DEADLINE_S)

    @contextmanager
    def _transferring(self) -> Iterator[Transfer]:
        transfer = Transfer(self._ca)
        try:
            yield transfer
        finally:
            transfer.end()


def _named(**references: str) -> dict[str, Any]:
    given = {sort: reference for sort, reference in references.items() if reference}
    if len(given) != 1:
        raise ToolError("Name one version: of a dataset, a model or a base.")
    return given

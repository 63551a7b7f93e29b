"""Between the values of artifacts and protobuf."""

from __future__ import annotations

from collections.abc import Mapping

from shared.contracts.manifest import FileEntry
from shared.contracts.objects import SignedUrl
from shared.errors import InvalidInputError
from shared.runtime.artifacts import media_type_of
from shared.runtime.convert import json_values, timestamp
from svc_registry.domain.artifacts import Blob, Choice, FileState, Found, Sort
from svc_registry.domain.records import DatasetRecord, ModelRecord
from svc_registry.domain.uploads import Upload
from svc_registry.use_cases.downloading import Download
from svc_registry.wire.versions import dataset_message, model_message
from upwell.registry.v1 import artifact_service_pb2 as pb

STATES = {
    FileState.READING: pb.FILE_STATE_UNSPECIFIED,
    FileState.WHOLE: pb.FILE_STATE_WHOLE,
    FileState.DAMAGED: pb.FILE_STATE_DAMAGED,
    FileState.MISSING: pb.FILE_STATE_MISSING,
}


def choice(request: pb.GetDownloadRequest | pb.VerifyRequest) -> Choice:
    """The version that a request names; InvalidInputError when it names none."""
    which = request.WhichOneof("version")
    if which not in set(Sort):
        raise InvalidInputError.of("version", f"name one of: {', '.join(Sort)}")
    return Choice(sort=Sort(which), reference=getattr(request, which))


def upload(request: pb.FinishUploadRequest) -> Upload:
    """The version to make."""
    files = tuple(
        FileEntry(path=file.path, sha256=file.sha256, size_bytes=file.size_bytes, media_type=media_type_of(file.path))
        for file in request.files
    )
    try:
        meta = json_values(request.meta)
    except ValueError as error:
        raise InvalidInputError.of("meta", f"it holds what is no value of JSON: {error}") from error
    return Upload(name=request.name, kind=request.kind, files=files, meta=meta, parents=tuple(request.parents))


def download_message(download: Download) -> pb.GetDownloadResponse:
    """A page of addresses for the caller."""
    return pb.GetDownloadResponse(
        reference=download.version.reference,
        manifest_digest=download.version.digest,
        manifest_url=download.manifest.url,
        files=[pb.DownloadFile(sha256=digest, url=signed.url) for digest, signed in download.files],
        expires_at=timestamp(download.manifest.expires_at),
        next_page_token=str(download.next_start) if download.next_start else "",
    )


def targets_message(targets: Mapping[str, SignedUrl]) -> pb.StartUploadResponse:
    """Where to put what."""
    return pb.StartUploadResponse(
        targets=[
            pb.UploadTarget(sha256=digest, url=signed.url, headers=signed.headers) for digest, signed in targets.items()
        ],
        expires_at=timestamp(min((signed.expires_at for signed in targets.values()), default=None)),
    )


def made_message(made: DatasetRecord | ModelRecord) -> pb.FinishUploadResponse:
    """The version that an upload became."""
    if isinstance(made, ModelRecord):
        return pb.FinishUploadResponse(model=model_message(made))
    return pb.FinishUploadResponse(dataset=dataset_message(made))


def found_message(found: Found) -> pb.VerifyResponse:
    """A file that was hashed."""
    return pb.VerifyResponse(
        reference=found.reference,
        path=found.path,
        sha256=found.digest,
        state=STATES[found.state],
        files_done=found.files_done,
        bytes_done=found.bytes_done,
        versions_done=found.versions_done,
        versions_total=found.versions_total,
    )


def blob_message(blob: Blob) -> pb.CollectGarbageResponse:
    """Garbage."""
    return pb.CollectGarbageResponse(
        sha256=blob.digest, size_bytes=blob.size_bytes, modified_at=timestamp(blob.modified_at)
    )

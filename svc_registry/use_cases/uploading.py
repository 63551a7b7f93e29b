"""Versions made of files that a client put into the object store itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.contracts.kinds import Kind
from shared.contracts.manifest import MAX_BYTES, FileEntry, Manifest
from shared.contracts.objects import SignedUrl
from shared.errors import ConflictError, InvalidInputError, StateError
from svc_registry.domain.artifacts import FINISHED_WITHIN
from svc_registry.domain.records import DatasetRecord, ModelRecord
from svc_registry.domain.uploads import (
    FULL,
    INFO_FILE,
    Upload,
    bundle_meta,
    bundle_parents,
    check_blobs,
    check_upload,
    uploaded_model,
)
from svc_registry.ports import BlobStore, RegistryStore
from svc_registry.use_cases.finding import deleted_words
from svc_registry.use_cases.registering import number_dataset, number_model

MAX_INFO_BYTES = 2**20


def start_upload(blobs: BlobStore, wanted: Sequence[tuple[str, int]]) -> Mapping[str, SignedUrl]:
    """Digest -> where to put the bytes, for each (digest, size in bytes) that does not stand yet."""
    check_blobs(wanted)
    return {
        digest: blobs.sign_upload(digest) for digest, size in dict(wanted).items() if not blobs.stands(digest, size)
    }


def finish_upload(
    store: RegistryStore, blobs: BlobStore, upload: Upload, *, now: datetime, uploaded_by: str
) -> DatasetRecord | ModelRecord:
    """Write the manifest, then number the version.

    Raises:
        InvalidInputError: something cannot become a version.
        StateError: bytes are not there, or a base is not registered.
        ConflictError: the name is used for another kind, or the version was deleted.
    """
    check_upload(upload)
    _check_uploaded(blobs, upload.files, now)
    if upload.kind == Kind.BUNDLE:
        return _finish_bundle(store, blobs, upload)
    manifest = _manifest(upload, upload.meta, upload.parents)
    producer = f"upload/{uploaded_by}"
    with store.transaction() as tx:
        record = number_dataset(tx, name=upload.name, digest=manifest.digest, manifest=manifest, producer=producer)
        # After what may refuse, for a manifest keeps its blobs; before the commit, for readers follow the record.
        blobs.put_manifest(manifest)
        return record


def _finish_bundle(store: RegistryStore, blobs: BlobStore, upload: Upload) -> ModelRecord:
    meta = bundle_meta(_info(blobs, upload), upload.parents)
    manifest = _manifest(upload, meta, bundle_parents(upload, meta))
    with store.transaction() as tx:
        base = meta["base"]
        if meta["method"] != FULL and tx.bases.find(base["digest"]) is None:
            raise StateError(
                f"The bundle needs the base {base['name']!r} ({base['digest'][:12]}), which is not "
                "registered here, so that nobody could serve it: train from that base once, or upload a full model"
            )
        record = number_model(tx, uploaded_model(upload.name, manifest))
        if record.deletion:
            raise ConflictError(f"This bundle is {record}, which {deleted_words(record.deletion)}")
        blobs.put_manifest(manifest)
        return record


def _check_uploaded(blobs: BlobStore, files: Sequence[FileEntry], now: datetime) -> None:
    for entry, found in zip(files, blobs.stat([entry.sha256 for entry in files]), strict=True):
        if found is None or now - found.modified_at > FINISHED_WITHIN:
            raise StateError(f"The bytes of {entry.path!r} were not uploaded lately: start the upload again")
        if found.size_bytes != entry.size_bytes:
            raise InvalidInputError.of(
                "files", f"{entry.path!r} has {found.size_bytes} bytes in the object store, not {entry.size_bytes}"
            )


def _info(blobs: BlobStore, upload: Upload) -> bytes:
    entry = next(entry for entry in upload.files if entry.path == INFO_FILE)
    if entry.size_bytes > MAX_INFO_BYTES:
        raise InvalidInputError.of("files", f"{INFO_FILE} has {entry.size_bytes} bytes: at most {MAX_INFO_BYTES}")
    return b"".join(blobs.chunks(entry.sha256))


def _manifest(upload: Upload, meta: Mapping[str, Any], parents: Sequence[str]) -> Manifest:
    files = tuple(sorted(upload.files, key=lambda entry: entry.path))
    manifest = Manifest(kind=upload.kind, files=files, meta=meta, parents=tuple(sorted(parents)))
    if len(manifest.to_bytes()) > MAX_BYTES:
        raise InvalidInputError.of("files", f"the manifest has more than {MAX_BYTES} bytes: use fewer or shorter paths")
    return manifest

"""Clearing away bytes that no version lists.

Only blobs are looked at: manifests are kept, and what lies under `runs/` belongs to svc_train. Why this may happen
beside writers: a blob goes only when it is a day old, and a writer puts a blob again that is older than half a day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from shared.errors import IntegrityError
from shared.ports import ArtifactStore
from svc_registry.domain.artifacts import GARBAGE_AFTER, Blob
from svc_registry.ports import BlobStore


def collect_garbage(
    artifacts: ArtifactStore, blobs: BlobStore, *, now: Callable[[], datetime], delete: bool
) -> Iterator[Blob]:
    """Each old blob that no manifest lists, deleted if that was asked for.

    Raises:
        IntegrityError: a manifest cannot be read, so that nobody knows what it lists; nothing was deleted.
    """
    # The order matters: a manifest that is written while this runs lists blobs that are young, or among these.
    old = [blob for blob in blobs.blobs() if _is_old(blob, now())]
    listed = _listed(artifacts, blobs) if old else set()
    for blob in old:
        if blob.digest in listed:
            continue
        if delete:
            (found,) = blobs.stat([blob.digest])
            if found is None or not _is_old(found, now()):
                continue  # put again meanwhile
            blobs.delete(blob.digest)
        yield blob


def _is_old(blob: Blob, now: datetime) -> bool:
    return now - blob.modified_at > GARBAGE_AFTER


def _listed(artifacts: ArtifactStore, blobs: BlobStore) -> set[str]:
    listed: set[str] = set()
    for digest in blobs.manifests():
        try:
            listed |= {entry.sha256 for entry in artifacts.manifest(digest).files}
        except IntegrityError as error:
            raise IntegrityError(f"{error}; nothing is deleted until it was restored or removed") from error
    return listed

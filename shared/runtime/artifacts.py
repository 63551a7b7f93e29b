"""Content-addressed artifacts over an object store: files first, manifest last, every digest verified."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from shared.contracts.manifest import MAX_BYTES, FileEntry, Manifest, parse_manifest, safe_path
from shared.errors import IntegrityError, NotFoundError
from shared.ports import ObjectStore

BLOBS = "blobs/sha256/"
MANIFESTS = "manifests/sha256/"
# Blobs that no manifest lists are collected when they are twice as old, so that a writer who counts on a blob has
# half a day to write the manifest.
YOUNG = timedelta(hours=12)
MEDIA_TYPES = {
    ".parquet": "application/vnd.apache.parquet",
    ".safetensors": "application/vnd.safetensors",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
}


class Artifacts:
    """The `ArtifactStore` port over any `ObjectStore`.

    Args:
        objects: where the bytes lie.
        now: the clock by which a blob's age is told.
    """

    def __init__(self, objects: ObjectStore, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._objects = objects
        self._now = now

    def store(
        self, *, kind: str, files: Mapping[str, Path], meta: Mapping[str, Any], parents: Sequence[str]
    ) -> Manifest:
        """Upload files that do not stand yet, then the manifest under its own digest."""
        entries = tuple(self._store_file(safe_path(path), source) for path, source in sorted(files.items()))
        manifest = Manifest(kind=kind, files=entries, meta=meta, parents=tuple(parents))
        self._objects.put_bytes(manifest_key(manifest.digest), manifest.to_bytes())
        return manifest

    def manifest(self, digest: str) -> Manifest:
        """Read and verify a manifest."""
        try:
            data = self._objects.get_bytes(manifest_key(digest), max_bytes=MAX_BYTES)
        except NotFoundError:
            raise NotFoundError(f"There is no manifest {digest[:12]} in the object store") from None
        return parse_manifest(data, digest)

    def fetch(self, manifest: Manifest, folder: Path) -> None:
        """Download and verify every file of a manifest."""
        for entry in manifest.files:
            self.fetch_file(entry, folder / safe_path(entry.path))

    def fetch_file(self, entry: FileEntry, path: Path) -> None:
        """Download and verify one file; a damaged one is removed again."""
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._objects.get_file(blob_key(entry.sha256), path)
        except NotFoundError:
            raise IntegrityError(f"{entry.path}: the file {entry.sha256[:12]} is missing in the object store") from None
        found = file_digest(path)
        if found != entry.sha256:
            path.unlink()
            raise IntegrityError(
                f"{entry.path} is damaged: its digest is {found[:12]}, the manifest says {entry.sha256[:12]}"
            )

    def _store_file(self, path: str, source: Path) -> FileEntry:
        digest, size_bytes = file_digest(source), source.stat().st_size
        if not blob_stands(self._objects, digest, size_bytes, now=self._now()):
            self._objects.put_file(blob_key(digest), source)
        return FileEntry(path=path, sha256=digest, size_bytes=size_bytes, media_type=media_type_of(path))


def blob_stands(objects: ObjectStore, digest: str, size_bytes: int, *, now: datetime) -> bool:
    """Whether a writer may count on a blob: it has the right size and is too young to be collected.

    An older one is put again, which also mends it if it was damaged.
    """
    try:
        found = objects.stat(blob_key(digest))
    except NotFoundError:
        return False
    return found.size_bytes == size_bytes and now - found.modified_at < YOUNG


def blob_key(digest: str) -> str:
    """Where a file lies."""
    return f"{BLOBS}{digest[:2]}/{digest}"


def digest_in(key: str) -> str:
    """The digest that a blob's or a manifest's key names."""
    return PurePosixPath(key).name.removesuffix(".json")


def manifest_key(digest: str) -> str:
    """Where a manifest lies."""
    return f"{MANIFESTS}{digest[:2]}/{digest}.json"


def file_digest(path: Path) -> str:
    """sha256 of a file, read in chunks."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def media_type_of(path: str) -> str:
    """The media type by a path's ending."""
    known = MEDIA_TYPES.get(Path(path).suffix)
    return known or mimetypes.guess_type(path)[0] or "application/octet-stream"

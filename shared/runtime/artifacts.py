"""Content-addressed artifacts over an object store: files first, manifest last, every digest verified."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shared.contracts.manifest import MAX_BYTES, FileEntry, Manifest, parse_manifest, safe_path
from shared.errors import IntegrityError, NotFoundError
from shared.ports import ObjectStore

CHUNK_BYTES = 2**20
MEDIA_TYPES = {
    ".parquet": "application/vnd.apache.parquet",
    ".safetensors": "application/vnd.safetensors",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
}


class Artifacts:
    """The `ArtifactStore` port over any `ObjectStore`."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def store(
        self, *, kind: str, files: Mapping[str, Path], meta: Mapping[str, Any], parents: Sequence[str]
    ) -> Manifest:
        """Upload files that are not there yet, then the manifest under its own digest."""
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
        digest = file_digest(source)
        if not self._objects.exists(blob_key(digest)):
            self._objects.put_file(blob_key(digest), source)
        return FileEntry(path=path, sha256=digest, size_bytes=source.stat().st_size, media_type=media_type_of(path))


def blob_key(digest: str) -> str:
    """Where a file lies."""
    return f"blobs/sha256/{digest[:2]}/{digest}"


def manifest_key(digest: str) -> str:
    """Where a manifest lies."""
    return f"manifests/sha256/{digest[:2]}/{digest}.json"


def file_digest(path: Path) -> str:
    """sha256 of a file, read in chunks."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def media_type_of(path: str) -> str:
    """The media type by a path's ending."""
    known = MEDIA_TYPES.get(Path(path).suffix)
    return known or mimetypes.guess_type(path)[0] or "application/octet-stream"

"""Manifests: what a dataset version, base, model bundle or prediction consists of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from shared.contracts.canonical import canonical_json, check_digest, sha256_hex
from shared.errors import IntegrityError, InvalidInputError

SCHEMA = "upwell.manifest/v1"
MAX_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """One file: `path` inside the version (posix, relative), its digest and size."""

    path: str
    sha256: str
    size_bytes: int
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A list of content-addressed files with what they are and what they were made from.

    Args:
        kind: see `Kind`.
        files: the files, sorted by path.
        meta: facts about the content, JSON values only, no times of making: equal content, equal digest.
        parents: lineage node keys of what this was made from (`source/...`, `dataset/...`, ...).
    """

    kind: str
    files: tuple[FileEntry, ...]
    meta: Mapping[str, Any] = field(default_factory=dict)
    parents: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """The canonical bytes, whose sha256 names the manifest."""
        files = [
            {"path": f.path, "sha256": f.sha256, "size_bytes": f.size_bytes, "media_type": f.media_type}
            for f in sorted(self.files, key=lambda f: f.path)
        ]
        return canonical_json(
            {
                "schema": SCHEMA,
                "kind": self.kind,
                "files": files,
                "meta": dict(self.meta),
                "parents": sorted(self.parents),
            }
        )

    @property
    def digest(self) -> str:
        """The sha256 of the canonical bytes."""
        return sha256_hex(self.to_bytes())

    def file(self, path: str) -> FileEntry:
        """The entry at `path`; IntegrityError when the manifest does not list it."""
        for entry in self.files:
            if entry.path == path:
                return entry
        raise IntegrityError(f"The manifest lists no file {path!r}; it has: {', '.join(f.path for f in self.files)}")


def parse_manifest(data: bytes, digest: str) -> Manifest:
    """Read and verify a manifest; IntegrityError when its bytes, schema or paths are not right."""
    if sha256_hex(data) != digest:
        raise IntegrityError(f"Manifest {digest[:12]} is damaged: its bytes have the digest {sha256_hex(data)[:12]}")
    try:
        body = json.loads(data)
        if body["schema"] != SCHEMA:
            raise IntegrityError(
                f"Manifest {digest[:12]} has the schema {body['schema']!r}; this release reads {SCHEMA!r}"
            )
        return Manifest(
            kind=str(body["kind"]),
            files=_files(body["files"]),
            meta=body["meta"],
            parents=tuple(str(parent) for parent in body["parents"]),
        )
    except (KeyError, TypeError, ValueError, InvalidInputError) as error:
        raise IntegrityError(f"Manifest {digest[:12]} is not readable: {error!r}") from error


def _files(rows: Sequence[Mapping[str, Any]]) -> tuple[FileEntry, ...]:
    entries = tuple(
        FileEntry(
            path=safe_path(str(row["path"])),
            sha256=check_digest("sha256", str(row["sha256"])),
            size_bytes=int(row["size_bytes"]),
            media_type=str(row["media_type"]),
        )
        for row in rows
    )
    if len({entry.path for entry in entries}) != len(entries):
        raise InvalidInputError.of("files", "a path is listed twice")
    return entries


def safe_path(path: str) -> str:
    """The path itself when it is relative and stays inside its folder, else InvalidInputError."""
    pure = PurePosixPath(path)
    if not pure.parts or pure.is_absolute() or ".." in pure.parts or "\\" in path or "\0" in path or str(pure) != path:
        raise InvalidInputError.of("path", f"{path!r} is not a plain relative path")
    return path

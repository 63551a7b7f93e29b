"""Bundles and bases on disk, by digest. Nothing on disk is trusted: every file is verified each time it is used."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from shared.contracts.manifest import FileEntry
from shared.errors import IntegrityError
from shared.ports import ArtifactStore
from shared.runtime.artifacts import file_digest

log = structlog.get_logger(__name__)
# What was used this lately may be in use right now, by this replica or by another one on the same disk.
KEPT_S = 3600.0


class ArtifactCache:
    """A folder that replicas on one host may share.

    Args:
        artifacts: where what is missing comes from.
        root: the folder.
        max_bytes: what it may hold; what was used longest ago makes room. None leaves it to grow.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        artifacts: ArtifactStore,
        root: Path,
        *,
        max_bytes: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._artifacts = artifacts
        self._root = root
        self._max_bytes = max_bytes
        self._clock = clock

    def folder(self, digest: str, *, kind: str) -> Path:
        """A folder with exactly the files of a manifest, all verified.

        Raises:
            IntegrityError: the manifest is of another kind, or a file is damaged or missing in the object store.
            NotFoundError: there is no such manifest.
        """
        manifest = self._artifacts.manifest(digest)
        if manifest.kind != kind:
            raise IntegrityError(f"The manifest {digest[:12]} is of the kind {manifest.kind!r}, not {str(kind)!r}")
        folder = self._root / digest
        folder.mkdir(parents=True, exist_ok=True)
        self._remove_strangers(folder, {entry.path for entry in manifest.files})
        for entry in manifest.files:
            path = folder / entry.path
            if not (path.is_file() and file_digest(path) == entry.sha256):
                self._fetch(entry, path)
        # The folder's own time tells when it was last used.
        os.utime(folder, (self._clock(), self._clock()))
        if self._max_bytes is not None:
            with suppress(FileNotFoundError):  # another replica makes room at the same time
                self._make_room(self._max_bytes)
        return folder

    def _fetch(self, entry: FileEntry, path: Path) -> None:
        """Verified beside the target first, so that another replica never reads half of it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._root, prefix=".partial-") as partial:
            fetched = Path(partial) / path.name
            self._artifacts.fetch_file(entry, fetched)
            fetched.replace(path)

    def _remove_strangers(self, folder: Path, paths: set[str]) -> None:
        # The libraries that load a model look for more files than they need: one that is not listed could change it.
        for path in folder.rglob("*"):
            if not path.is_dir() and path.relative_to(folder).as_posix() not in paths:
                log.warning("unlisted file removed from the cache", path=str(path))
                path.unlink()

    def _make_room(self, max_bytes: int) -> None:
        used_at = {folder: folder.stat().st_mtime for folder in self._root.iterdir()}
        sizes = {folder: _size(folder) for folder in used_at}
        excess = sum(sizes.values()) - max_bytes
        for folder in sorted(used_at, key=lambda folder: used_at[folder]):
            if excess <= 0 or self._clock() - used_at[folder] < KEPT_S:
                return
            log.info("removed from the cache", folder=folder.name, bytes=sizes[folder])
            # Whoever wants it after all fetches again what is missing.
            shutil.rmtree(folder, ignore_errors=True)
            excess -= sizes[folder]


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

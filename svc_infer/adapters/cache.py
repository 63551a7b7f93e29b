"""Bundles, bases and datasets on disk, by digest.

Nothing on disk is trusted: a file is verified before it is first used, and again once it is not as it was verified.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from shared.contracts.manifest import FileEntry, Manifest
from shared.errors import IntegrityError
from shared.ports import ArtifactStore
from shared.runtime.artifacts import file_digest

log = structlog.get_logger(__name__)
# What was used this lately may be in use right now, by this replica or by another one on the same disk.
KEPT_S = 3600.0
# Manifests that are remembered, each with a stamp for every file; a forgotten one costs reading its files once more.
REMEMBERED = 256
# Inode, size, and when content and entry were last changed: no write leaves all of them as they were.
Stamp = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class _Verified:
    """A manifest, and its files as they were when their bytes were what it says."""

    manifest: Manifest
    stamps: dict[str, Stamp] = field(default_factory=dict)


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
        self._lock = threading.Lock()
        self._verified: OrderedDict[str, _Verified] = OrderedDict()

    def folder(self, digest: str, *, kind: str) -> Path:
        """A folder with exactly the files of a manifest, all verified by this process since they were last changed.

        Raises:
            IntegrityError: the manifest is of another kind, or a file is damaged or missing in the object store.
            NotFoundError: there is no such manifest.
        """
        verified = self._remembered(digest)
        manifest = verified.manifest
        if manifest.kind != kind:
            raise IntegrityError(f"The manifest {digest[:12]} is of the kind {manifest.kind!r}, not {str(kind)!r}")
        folder = self._root / digest
        folder.mkdir(parents=True, exist_ok=True)
        self._remove_strangers(folder, {entry.path for entry in manifest.files})
        for entry in manifest.files:
            self._verify(entry, folder / entry.path, verified.stamps)
        # The folder's own time tells when it was last used.
        os.utime(folder, (self._clock(), self._clock()))
        if self._max_bytes is not None:
            with suppress(FileNotFoundError):  # another replica makes room at the same time
                self._make_room(self._max_bytes)
        return folder

    def _remembered(self, digest: str) -> _Verified:
        """What is known of a manifest, which is what its digest says for ever; read where nothing is."""
        with self._lock:
            if digest in self._verified:
                self._verified.move_to_end(digest)
                return self._verified[digest]
        manifest = self._artifacts.manifest(digest)
        with self._lock:
            found = self._verified.setdefault(digest, _Verified(manifest))
            while len(self._verified) > REMEMBERED:
                self._verified.popitem(last=False)
        return found

    def _verify(self, entry: FileEntry, path: Path, stamps: dict[str, Stamp]) -> None:
        stamp = _stamp(path)
        if stamp is not None and stamp == stamps.get(entry.path):
            return
        if stamp is None or file_digest(path) != entry.sha256:
            self._fetch(entry, path)
            stamp = _stamp(path)
        # The stamp is older than the reading, so that a change meanwhile shows. Of a fetched file there is none where
        # another replica has made room with it.
        if stamp is not None:
            stamps[entry.path] = stamp

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


def _stamp(path: Path) -> Stamp | None:
    """None where there is no such file."""
    try:
        facts = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(facts.st_mode):
        return None
    return facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

"""The `SeriesCache` port: files by digest in a folder of bounded size, the least recently used go first."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.contracts.manifest import FileEntry
from shared.ports import ArtifactStore


class DiskSeriesCache:
    """Downloads each file once, whoever asks at the same time; a file in use is never removed.

    Args:
        folder: belongs to this cache alone; what lies there from before is not looked at.
        artifacts: where the files come from, verified.
        max_bytes: what the files that nobody uses may take in all.
    """

    def __init__(self, folder: Path, artifacts: ArtifactStore, *, max_bytes: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._artifacts = artifacts
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._downloads: dict[str, threading.Lock] = {}
        self._users: Counter[str] = Counter()
        self._sizes: OrderedDict[str, int] = OrderedDict()

    @contextmanager
    def file(self, entry: FileEntry) -> Iterator[Path]:
        """The file for the length of the block; see the port."""
        with self._lock:
            self._users[entry.sha256] += 1
            download = self._downloads.setdefault(entry.sha256, threading.Lock())
        path = self._folder / entry.sha256
        try:
            with download:
                if entry.sha256 not in self._sizes:
                    self._artifacts.fetch_file(entry, path)
                with self._lock:
                    self._sizes[entry.sha256] = entry.size_bytes
                    self._sizes.move_to_end(entry.sha256)
            yield path
        finally:
            with self._lock:
                self._let_go(entry.sha256)

    def _let_go(self, digest: str) -> None:
        self._users[digest] -= 1
        if not self._users[digest]:
            del self._users[digest], self._downloads[digest]
        total = sum(self._sizes.values())
        for unused in [digest for digest in self._sizes if digest not in self._users]:
            if total <= self._max_bytes:
                return
            total -= self._sizes.pop(unused)
            (self._folder / unused).unlink()

"""Disk space that belongs to this process; what a process that died left behind is swept by the next."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

LOCK = ".lock"
SWEEP_TIMEOUT_S = 60


class Scratch:
    """A folder of this process under `root`.

    Its lock is held as long as the process lives, so replicas that share a data folder leave each other alone.
    """

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / LOCK, timeout=SWEEP_TIMEOUT_S):
            for folder in root.iterdir():
                if folder.is_dir():
                    _remove_if_left(folder)
            self.own = Path(tempfile.mkdtemp(dir=root))
            self._lock = FileLock(self.own / LOCK)
            self._lock.acquire()

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """An empty folder for the length of the block."""
        with tempfile.TemporaryDirectory(dir=self.own) as folder:
            yield Path(folder)


def _remove_if_left(folder: Path) -> None:
    try:
        with FileLock(folder / LOCK, timeout=0):
            shutil.rmtree(folder, ignore_errors=True)
    except Timeout:
        return

"""The `Scratch` port: a folder of this process under the data folder, swept by the next one if it dies."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

LOCK = ".lock"
SWEEP_TIMEOUT_S = 60


class DiskScratch:
    """Makes its own folder, and removes those whose processes are gone.

    A folder's owner holds the lock in it as long as it lives, so replicas that share a data folder leave each other
    alone.
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
        weakref.finalize(self, shutil.rmtree, self.own, ignore_errors=True)

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """An empty folder for the length of the block."""
        with tempfile.TemporaryDirectory(dir=self.own, prefix="work-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)

    def spool(self) -> DiskSpool:
        """An empty file for streamed bytes."""
        return DiskSpool(self.own)


class DiskSpool:
    """The `Spool` port: bytes go to the disk as they come."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.NamedTemporaryFile(dir=folder, prefix="upload-", delete=False)  # noqa: SIM115 - see close
        self._digest = hashlib.sha256()
        self.path = Path(self._file.name)
        self.size_bytes = 0

    def write(self, chunk: bytes) -> None:
        """Append."""
        self._file.write(chunk)
        self._digest.update(chunk)
        self.size_bytes += len(chunk)

    def close(self) -> str:
        """Finish the file; its sha256."""
        self._file.close()
        return self._digest.hexdigest()

    def discard(self) -> None:
        """Remove the file."""
        self._file.close()
        self.path.unlink(missing_ok=True)


def _remove_if_left(folder: Path) -> None:
    lock = FileLock(folder / LOCK)
    try:
        with lock.acquire(timeout=0):
            shutil.rmtree(folder, ignore_errors=True)
    except Timeout:
        return

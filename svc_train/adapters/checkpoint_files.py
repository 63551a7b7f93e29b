"""The files of checkpoints in the object store: `runs/<run>/<attempt>/checkpoints/step-<n>/`."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from shared.contracts.manifest import MAX_BYTES, FileEntry, Manifest, parse_manifest
from shared.errors import IntegrityError, NotFoundError
from shared.ports import ObjectStore
from shared.runtime.artifacts import file_digest, media_type_of
from svc_train.domain.checkpoints import SavedCheckpoint

KIND = "checkpoint/v1"
MANIFEST = "manifest.json"
FILES = "files"
ROOT = "runs/"
KEY = re.compile(r"runs/([^/]+)/(\d+)/checkpoints/step-(\d+)/.+")


class ObjectCheckpointFiles:
    """The `CheckpointFiles` port. They lie under their attempt, not under their digest, so that they can be removed."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def save(self, run_id: str, attempt: int, step: int, folder: Path) -> tuple[str, int]:
        """Upload each file in parts, then the manifest; FileNotFoundError when the folder is empty or gone."""
        prefix = _prefix(run_id, attempt, step)
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        if not paths:
            raise FileNotFoundError(folder)
        entries = tuple(self._save_file(prefix, folder, path) for path in paths)
        manifest = Manifest(kind=KIND, files=entries, meta={"run_id": run_id, "step": step})
        self._objects.put_bytes(f"{prefix}{MANIFEST}", manifest.to_bytes())
        return manifest.digest, sum(entry.size_bytes for entry in entries)

    def fetch(self, checkpoint: SavedCheckpoint, folder: Path) -> None:
        """Download into an empty folder and verify; what is damaged leaves nothing behind."""
        prefix = _prefix(checkpoint.run_id, checkpoint.attempt, checkpoint.step)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            data = self._objects.get_bytes(f"{prefix}{MANIFEST}", max_bytes=MAX_BYTES)
            for entry in parse_manifest(data, checkpoint.digest).files:
                self._fetch_file(prefix, entry, folder)
        except NotFoundError as error:
            shutil.rmtree(folder)
            raise IntegrityError(f"The checkpoint of step {checkpoint.step} is not whole: {error}") from error
        except IntegrityError:
            shutil.rmtree(folder)
            raise

    def remove(self, run_id: str, attempt: int, step: int) -> None:
        """Delete its objects, the manifest first."""
        keys = list(self._objects.keys(_prefix(run_id, attempt, step)))
        for key in sorted(keys, key=lambda key: not key.endswith(f"/{MANIFEST}")):
            self._objects.delete(key)

    def stored(self) -> Iterator[tuple[str, int, int]]:
        """(run, attempt, step) of everything that lies there, whole or not."""
        last = None
        for key in self._objects.keys(ROOT):
            found = KEY.fullmatch(key)
            place = (found[1], int(found[2]), int(found[3])) if found else None
            if place and place != last:
                last = place
                yield place

    def _save_file(self, prefix: str, folder: Path, path: Path) -> FileEntry:
        name = path.relative_to(folder).as_posix()
        digest = file_digest(path)
        self._objects.put_file(f"{prefix}{FILES}/{name}", path)
        return FileEntry(path=name, sha256=digest, size_bytes=path.stat().st_size, media_type=media_type_of(name))

    def _fetch_file(self, prefix: str, entry: FileEntry, folder: Path) -> None:
        target = folder / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        self._objects.get_file(f"{prefix}{FILES}/{entry.path}", target)
        if file_digest(target) != entry.sha256:
            raise IntegrityError(f"The file {entry.path} of a checkpoint is damaged")


def _prefix(run_id: str, attempt: int, step: int) -> str:
    return f"{ROOT}{run_id}/{attempt}/checkpoints/step-{step}/"

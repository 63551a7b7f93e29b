"""Bundles and bases on disk, by digest. Nothing on disk is trusted: every file is verified each time it is used."""

from __future__ import annotations

import tempfile
from pathlib import Path

import structlog

from shared.contracts.manifest import FileEntry
from shared.errors import IntegrityError
from shared.ports import ArtifactStore
from shared.runtime.artifacts import file_digest

log = structlog.get_logger(__name__)


class ArtifactCache:
    """A folder that replicas on one host may share.

    Args:
        artifacts: where what is missing comes from.
        root: the folder.
    """

    def __init__(self, artifacts: ArtifactStore, root: Path) -> None:
        self._artifacts = artifacts
        self._root = root

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

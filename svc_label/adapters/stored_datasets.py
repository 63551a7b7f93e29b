"""Datasets of any kind in the object store: all files in, all files out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from shared.contracts.versions import DatasetVersion
from shared.ports import ArtifactStore
from svc_label.adapters.scratch import Scratch
from svc_label.labelers.base import MadeDataset, StoredDataset


class ArtifactDatasets:
    """The `StoredDatasets` port.

    Args:
        artifacts: the object store.
        scratch: where files lie while they are read or written.
    """

    def __init__(self, artifacts: ArtifactStore, scratch: Scratch) -> None:
        self._artifacts = artifacts
        self._scratch = scratch

    @contextmanager
    def opened(self, version: DatasetVersion) -> Iterator[StoredDataset]:
        """Download it; see the port."""
        manifest = self._artifacts.manifest(version.digest)
        with self._scratch.folder() as folder:
            self._artifacts.fetch(manifest, folder)
            yield StoredDataset(
                name=version.name, digest=version.digest, kind=manifest.kind, folder=folder, meta=manifest.meta
            )

    def folder(self) -> AbstractContextManager[Path]:
        """Room for what is made; see the port."""
        return self._scratch.folder()

    def store(self, name: str, made: MadeDataset, *, source: DatasetVersion) -> DatasetVersion:
        """Upload it; see the port."""
        meta = {**made.meta, "rows": made.rows}
        manifest = self._artifacts.store(kind=made.kind, files=made.files, meta=meta, parents=[source.key])
        return DatasetVersion(name=name, digest=manifest.digest, kind=made.kind)

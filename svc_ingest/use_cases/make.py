"""From a file to a dataset version in the object store: the one way, whoever sent the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from shared.contracts.lineage import source_key
from shared.ports import ArtifactStore
from svc_ingest.domain.jobs import IngestJob, Produced, StoppedError
from svc_ingest.ports import FileReader, Scratch

MustStop = Callable[[], bool]


class DatasetMaker:
    """Has the version's files written and uploads them: equal content under one name has one digest."""

    def __init__(self, *, reader: FileReader, artifacts: ArtifactStore, scratch: Scratch) -> None:
        self._reader = reader
        self._artifacts = artifacts
        self._scratch = scratch

    def make(self, job: IngestJob, path: Path, *, sha256: str, must_stop: MustStop) -> Produced:
        """Make the dataset of the file at `path`, whose raw bytes have the digest `sha256`.

        Raises:
            InvalidInputError: the file, its options or parameters are wrong.
            StoppedError: `must_stop` said so; nothing was made.
            UnavailableError: the object store does not answer.
        """
        with self._scratch.folder() as folder:
            made = self._reader.make(job, path, folder, must_stop)
            if must_stop():
                raise StoppedError("stopped before the upload")
            manifest = self._artifacts.store(
                kind=made.kind,
                files=made.files,
                meta={**made.meta, "source_sha256": sha256},
                parents=[source_key(f"file:{job.file_name}")],
            )
        if must_stop():
            raise StoppedError("stopped before the dataset was announced")
        return Produced(name=job.name, kind=made.kind, digest=manifest.digest, rows=made.rows, channels=made.channels)

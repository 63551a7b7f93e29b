"""From a file to a dataset version in the object store: the one way, whoever sent the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from shared.contracts.kinds import Kind
from shared.contracts.lineage import source_key
from shared.contracts.series import SERIES_FILE
from shared.ports import ArtifactStore
from svc_ingest.domain.jobs import IngestJob, Produced, StoppedError
from svc_ingest.ports import Scratch, SeriesReader

MustStop = Callable[[], bool]


class DatasetMaker:
    """Reads, writes `series.parquet` and uploads it: equal content under one name has one digest."""

    def __init__(self, *, reader: SeriesReader, artifacts: ArtifactStore, scratch: Scratch) -> None:
        self._reader = reader
        self._artifacts = artifacts
        self._scratch = scratch

    def make(self, job: IngestJob, path: Path, *, sha256: str, must_stop: MustStop) -> Produced:
        """Make the dataset of the file at `path`, whose raw bytes have the digest `sha256`.

        Raises:
            InvalidInputError: the file or its options are wrong.
            StoppedError: `must_stop` said so; nothing was made.
            UnavailableError: the object store does not answer.
        """
        with self._scratch.folder() as folder:
            facts = self._reader.make_series(job.source, path, job.options, folder, must_stop)
            if must_stop():
                raise StoppedError("stopped before the upload")
            manifest = self._artifacts.store(
                kind=Kind.SERIES,
                files={SERIES_FILE: folder / SERIES_FILE},
                meta={**facts.to_meta(), "source_sha256": sha256},
                parents=[source_key(f"file:{job.file_name}")],
            )
        if must_stop():
            raise StoppedError("stopped before the dataset was announced")
        return Produced(name=job.name, digest=manifest.digest, rows=facts.rows, channels=facts.channels)

"""The `FileReader` port over the sources."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from shared.contracts.kinds import Kind
from shared.contracts.series import SERIES_FILE
from svc_ingest.domain.jobs import StoppedError
from svc_ingest.domain.made import Made
from svc_ingest.domain.options import ReadOptions
from svc_ingest.sources.base import DatasetSource, Reading, SeriesSource, find_source, source_for_path
from svc_ingest.sources.preview import Preview, preview
from svc_ingest.sources.series import make_series


class SourceReader:
    """Finds the source and has it read."""

    def source_name(self, source: str, path: str) -> str:
        """The source to read with; see the port."""
        return (find_source(source) if source else source_for_path(path)).name

    def make(self, source: str, path: Path, options: ReadOptions, folder: Path, must_stop: Callable[[], bool]) -> Made:
        """Write the version's files; see the port."""
        found = find_source(source)
        if isinstance(found, DatasetSource):
            return found.make(path, options, folder, must_stop)
        facts = make_series(_Stoppable(cast("SeriesSource", found), must_stop), path, options, folder)
        return Made(
            kind=Kind.SERIES,
            files={SERIES_FILE: folder / SERIES_FILE},
            meta=facts.to_meta(),
            rows=facts.rows,
            channels=facts.channels,
        )

    def preview(self, path: Path, *, channels: Sequence[str], start_row: int, end_row: int, buckets: int) -> Preview:
        """Buckets of a `series.parquet`; see the port."""
        return preview(path, channels=channels, start_row=start_row, end_row=end_row, buckets=buckets)


class _Stoppable:
    """A source that asks before each batch whether it shall go on."""

    def __init__(self, source: SeriesSource, must_stop: Callable[[], bool]) -> None:
        self.name = source.name
        self.suffixes = source.suffixes
        self._source = source
        self._must_stop = must_stop

    def read(self, path: Path, options: ReadOptions, scratch: Path) -> Reading:
        reading = self._source.read(path, options, scratch)
        return replace(reading, batches=self._until_stopped(reading.batches))

    def _until_stopped(self, batches: Generator[Any]) -> Generator[Any]:
        with closing(batches):
            for batch in batches:
                if self._must_stop():
                    raise StoppedError("stopped while the file was read")
                yield batch

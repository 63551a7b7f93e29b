"""The `FileReader` port over the sources."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, cast

from shared.contracts.kinds import Kind
from shared.contracts.parameters import parse_parameters
from shared.contracts.series import SERIES_FILE
from shared.errors import FieldViolation, InvalidInputError
from svc_ingest.domain.jobs import IngestJob, StoppedError
from svc_ingest.domain.made import Made
from svc_ingest.domain.options import ReadOptions
from svc_ingest.domain.tables import Cells
from svc_ingest.sources.base import DatasetSource, Reading, SeriesSource, find_source, source_for_path
from svc_ingest.sources.field.indices import write_indices
from svc_ingest.sources.preview import Preview, preview
from svc_ingest.sources.series import make_series
from svc_ingest.sources.tables import FILES_OF, cells_of


class SourceReader:
    """Finds the source and has it read."""

    def choose(self, source: str, path: str, options: ReadOptions, parameters: Mapping[str, Any]) -> str:
        """The source to read with; see the port."""
        found = find_source(source) if source else source_for_path(path)
        if isinstance(found, DatasetSource):
            _refuse_options(found.name, options)
            parse_parameters(found.parameters, parameters)
        elif parameters:
            reason = f"{found.name!r} reads series and has options, no parameters"
            raise InvalidInputError.of(f"parameters.{next(iter(parameters))}", reason)
        return found.name

    def make(self, job: IngestJob, path: Path, folder: Path, must_stop: Callable[[], bool]) -> Made:
        """Write the version's files; see the port."""
        found = find_source(job.source)
        if isinstance(found, DatasetSource):
            return found.make(path, parse_parameters(found.parameters, job.parameters), folder, must_stop)
        facts = make_series(_Stoppable(cast("SeriesSource", found), must_stop), path, job.options, folder)
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

    @property
    def tables(self) -> Mapping[str, Sequence[str]]:
        """Kinds whose rows can be shown; see the port."""
        return FILES_OF

    def cells(self, kind: str, files: Mapping[str, Path], *, start_row: int, count: int) -> Cells:
        """Rows as text; see the port."""
        return cells_of(kind, files, start_row=start_row, count=count)

    def indices(self, folder: Path) -> Path:
        """The Nino indices as a series; see the port."""
        write_indices(folder, folder / SERIES_FILE)
        return folder / SERIES_FILE


def _refuse_options(source: str, options: ReadOptions) -> None:
    default = ReadOptions()
    changed = [one.name for one in fields(options) if getattr(options, one.name) != getattr(default, one.name)]
    if changed:
        violations = [FieldViolation(f"options.{name}", f"is for series, not for {source!r}") for name in changed]
        raise InvalidInputError("; ".join(f"{v.field}: {v.reason}" for v in violations), violations)


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

"""The whole way from a file to `series.parquet`: read, check, write, downsample."""

from __future__ import annotations

from pathlib import Path

from shared.contracts.series import SERIES_FILE
from svc_ingest.domain.options import ReadOptions
from svc_ingest.domain.series import SeriesFacts
from svc_ingest.sources.base import SeriesSource
from svc_ingest.sources.downsample import downsample_series
from svc_ingest.sources.writer import write_series


def make_series(source: SeriesSource, path: Path, options: ReadOptions, folder: Path) -> SeriesFacts:
    """Write `folder/series.parquet` from the file at `path`; temporary files lie in `folder` and are gone at the end.

    Equal content gives equal bytes and equal facts, whichever file, layout or source it came from.

    Raises:
        InvalidInputError: the file or the options are wrong; the message says where. No file is left then.
    """
    target = folder / SERIES_FILE
    if not options.downsample_to:
        return write_series(source.read(path, options, folder), target)
    full = folder / f"full-{SERIES_FILE}"
    try:
        facts = write_series(source.read(path, options, folder), full)
        if facts.rows <= options.downsample_to:
            full.replace(target)
            return facts
        return downsample_series(full, facts, target, options.downsample_to)
    finally:
        full.unlink(missing_ok=True)

"""From pieces of a table to a reading of a series, by the table's layout."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

from svc_ingest.domain.columns import Columns
from svc_ingest.domain.options import ReadOptions
from svc_ingest.sources.base import Reading
from svc_ingest.sources.long import long_reading
from svc_ingest.sources.pieces import Piece
from svc_ingest.sources.wide import wide_reading


def reading_of(
    pieces: Generator[Piece], *, time: str, columns: Columns, options: ReadOptions, scratch: Path
) -> Reading:
    """A wide table is read as its batches are taken; a long one is sorted into a temporary file first."""
    if columns.long:
        return long_reading(pieces, time=time, columns=columns, missing=options.missing, scratch=scratch)
    return wide_reading(pieces, time=time, channels=columns.channels, missing=options.missing)

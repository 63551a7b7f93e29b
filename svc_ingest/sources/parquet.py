"""Parquet files, wide or long, with times as timestamps, dates, text or numbers."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from shared.errors import InvalidInputError
from svc_ingest.domain.columns import Columns, choose_columns
from svc_ingest.domain.iso import has_offset
from svc_ingest.domain.options import ReadOptions
from svc_ingest.domain.times import time_kind
from svc_ingest.sources.arrow_times import to_int64
from svc_ingest.sources.base import Reading
from svc_ingest.sources.layouts import reading_of
from svc_ingest.sources.parquet_columns import (
    channel_values,
    check_types,
    first_text,
    format_of,
    time_values,
)
from svc_ingest.sources.pieces import Piece, Place

BATCH_CELLS = 2**20
BATCH_ROWS = 2**17
# Column chunks are read through buffers of this size, because one row group may be larger than the memory.
BUFFER_BYTES = 2**20


class ParquetSource:
    """Rows are counted from 0 in messages; a null is a missing value."""

    name = "parquet"
    summary = "Series from Parquet files, a column a channel or a row a value."
    suffixes = (".parquet", ".pq")

    def read(self, path: Path, options: ReadOptions, scratch: Path) -> Reading:
        """See `Source.read`."""
        with _readable():
            file = pq.ParquetFile(path, buffer_size=BUFFER_BYTES, pre_buffer=False)
        schema = file.schema_arrow
        columns = choose_columns(schema.names, options)
        check_types(schema, columns)
        batches = _batches(file, columns)
        head = next(batches, None)
        if head is None:
            raise InvalidInputError.of("file", "there is no row of data")
        reader = _PieceReader(head, columns, options)
        pieces = reader.pieces(chain([head], batches))
        time = time_kind(reader.time_format)
        return reading_of(pieces, time=time, columns=columns, options=options, scratch=scratch)


SOURCE = ParquetSource()


def _batches(file: Any, columns: Columns) -> Iterator[Any]:
    rows = min(BATCH_ROWS, max(1, BATCH_CELLS // len(columns.needed)))
    with file:
        batches = file.iter_batches(batch_size=rows, columns=list(columns.needed))
        while True:
            with _readable():
                batch = next(batches, None)
            if batch is None:
                return
            if batch.num_rows:
                yield batch


@contextmanager
def _readable() -> Iterator[None]:
    """Tell a file that is not right from a disk that is not: only the latter's errors carry a number."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if getattr(error, "errno", None) is not None:
            raise
        raise InvalidInputError.of("file", f"this is no readable Parquet file: {error}") from error


class _PieceReader:
    """Turns one file's batches into pieces."""

    def __init__(self, head: Any, columns: Columns, options: ReadOptions) -> None:
        times = head.column(columns.time)
        first = first_text(times)
        self.time_format = format_of(times.type, first, columns, options)
        self._aware = has_offset(first)
        self._columns = columns
        self._zone = options.timezone

    def pieces(self, batches: Iterator[Any]) -> Generator[Piece]:
        """One piece a batch."""
        first = 0
        for batch in batches:
            yield self._piece(batch, first)
            first += batch.num_rows

    def _piece(self, batch: Any, first: int) -> Piece:
        plain, cast_fault = time_values(batch.column(self._columns.time), self.time_format, aware=self._aware)
        times, time_fault = to_int64(plain, self.time_format, self._zone)
        faults, columns = [cast_fault, time_fault], {}
        if self._columns.long:
            columns[self._columns.channel] = batch.column(self._columns.channel).cast(pa.string())
        for name in (self._columns.value,) if self._columns.long else self._columns.channels:
            columns[name], fault = channel_values(name, batch.column(name))
            faults.append(fault)
        found = tuple(fault for fault in faults if fault is not None)
        return Piece(place=Place(unit="row", first=first), times=times, columns=columns, faults=found)

"""Writes `series.parquet`: equal content gives equal bytes, whatever the batches it came in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from shared.contracts.series import TIME_COLUMN
from shared.errors import InvalidInputError
from svc_ingest.domain.columns import listed
from svc_ingest.domain.sampling import Sampling
from svc_ingest.domain.series import Downsampling, SeriesFacts
from svc_ingest.sources.base import Reading, series_schema

# Cells of one row group: its rows depend on the number of channels alone, so equal content has equal row groups.
GROUP_CELLS = 2**21
GROUP_ROWS = range(2**10, 2**18 + 1)
# A channel with few distinct values is smaller and faster as a dictionary: rounded sensor values took 0.3 of the bytes.
SAMPLE_ROWS = 2**16
MAX_DICTIONARY = 2**12


def group_rows(channels: int) -> int:
    """Rows of each row group but the last."""
    return min(max(GROUP_CELLS // (channels + 1), GROUP_ROWS.start), GROUP_ROWS.stop - 1)


def write_series(reading: Reading, path: Path, downsampling: Downsampling | None = None) -> SeriesFacts:
    """Write all batches to `path` in bounded memory and tell what was written; on any error no file is left.

    Raises:
        InvalidInputError: from the reading, or because there is no row, or a channel without any value.
    """
    writing = _Writing(reading, path)
    try:
        with closing(reading.batches):
            for group in _groups(reading):
                writing.write(group)
        writing.close()
        return writing.facts(downsampling)
    except BaseException:
        writing.discard()
        raise


def _groups(reading: Reading) -> Iterator[Any]:
    """Tables of exactly `group_rows` rows, each in one chunk, and the rest.

    A chunk is what pyarrow cuts pages from: one chunk a row group, and pages do not depend on the batches.
    """
    size, held, rows = group_rows(len(reading.channels)), [], 0
    for batch in reading.batches:
        held.append(batch)
        rows += batch.num_rows
        while rows >= size:
            table = pa.Table.from_batches(held)
            yield table.slice(0, size).combine_chunks()
            held = table.slice(size).to_batches()
            rows -= size
    if rows:
        yield pa.Table.from_batches(held).combine_chunks()


class _Writing:
    """One file being written, with what is counted on the way."""

    def __init__(self, reading: Reading, path: Path) -> None:
        self._reading = reading
        self._path = path
        self._writer: Any = None
        self._sampling = Sampling()
        self._values = np.zeros(len(reading.channels), dtype=np.int64)
        self._rows, self._start, self._end = 0, 0, 0

    def write(self, group: Any) -> None:
        """Write a table as one row group."""
        if self._writer is None:
            self._writer = _parquet_writer(self._reading, group, self._path)
        self._writer.write_table(group, row_group_size=group.num_rows)
        times = group.column(TIME_COLUMN).chunk(0).cast(pa.int64()).to_numpy()
        self._sampling.add(times)
        self._values += [group.num_rows - group.column(name).null_count for name in self._reading.channels]
        self._start = self._start if self._rows else int(times[0])
        self._end = int(times[-1])
        self._rows += group.num_rows

    def close(self) -> None:
        """Finish the file."""
        if self._writer is None:
            raise InvalidInputError.of("file", "there is no row of data")
        self._writer.close()
        empty = [name for name, count in zip(self._reading.channels, self._values, strict=True) if count == 0]
        if empty:
            reason = f"no row has a value for {listed(empty)}; leave it out by choosing the others with channels"
            raise InvalidInputError.of("file", reason)

    def discard(self) -> None:
        """Leave no file behind."""
        if self._writer is not None:
            self._writer.close()
        self._path.unlink(missing_ok=True)

    def facts(self, downsampling: Downsampling | None) -> SeriesFacts:
        """What was written."""
        return SeriesFacts(
            rows=self._rows,
            channels=self._reading.channels,
            time=self._reading.time,
            start=self._start,
            end=self._end,
            sampling=self._sampling.facts(),
            downsampling=downsampling,
        )


def _parquet_writer(reading: Reading, group: Any, path: Path) -> Any:
    repeating = [name for name in reading.channels if _repeats(group.column(name))]
    encoding = {name: "BYTE_STREAM_SPLIT" for name in reading.channels if name not in repeating}
    return pq.ParquetWriter(
        path,
        series_schema(reading.time, reading.channels),
        version="2.6",
        compression="zstd",
        use_dictionary=repeating,
        column_encoding={TIME_COLUMN: "DELTA_BINARY_PACKED", **encoding},
        write_statistics=[TIME_COLUMN],
        store_schema=False,
    )


def _repeats(column: Any) -> bool:
    """Whether the first rows hold so few distinct values that the whole channel is likely to."""
    sample = column.chunk(0).slice(0, SAMPLE_ROWS)
    distinct = sample.unique()
    return len(distinct) <= min(MAX_DICTIONARY, len(sample) // 4)

"""Minima and maxima of a written series in buckets, for plots; reads one row group of the needed columns at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from shared.contracts.series import TIME_COLUMN, TIME_INDEX, TIME_UTC
from shared.errors import InvalidInputError
from svc_ingest.domain.columns import listed
from svc_ingest.domain.times import Int64s

MAX_CHANNELS = 64
BUCKETS = range(1, 10_001)
DEFAULT_BUCKETS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Rows from `start_row` to the next bucket's; `start_time` is that row's; min and max are 0 when count is 0."""

    start_row: int
    start_time: int
    min: float
    max: float
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Buckets of each channel in time order, the series' rows and its time, `utc` or `index`."""

    rows: int
    time: str
    channels: dict[str, tuple[Bucket, ...]]


def preview(
    path: Path, *, channels: Sequence[str] = (), start_row: int = 0, end_row: int = 0, buckets: int = 0
) -> Preview:
    """Buckets of equal numbers of rows over [start_row, end_row) of a `series.parquet`.

    No channels mean all, but at most 64; `end_row` 0 means the end; `buckets` 0 means 500. Ranges shorter than the
    number of buckets get one bucket a row.

    Raises:
        InvalidInputError: naming the field that is wrong.
    """
    with pq.ParquetFile(path) as file:
        rows = file.metadata.num_rows
        names = _names(file, channels)
        edges = _edges(rows, start_row, end_row or rows, buckets or DEFAULT_BUCKETS)
        counting = _Counting(names, edges)
        for group, first in _groups(file, edges):
            counting.add(file.read_row_group(group, columns=[TIME_COLUMN, *names]), first)
        time = TIME_UTC if pa.types.is_timestamp(file.schema_arrow.field(TIME_COLUMN).type) else TIME_INDEX
    return Preview(rows=rows, time=time, channels=counting.buckets())


def _names(file: Any, channels: Sequence[str]) -> list[str]:
    known = [name for name in file.schema_arrow.names if name != TIME_COLUMN]
    for name in channels:
        if name not in known:
            raise InvalidInputError.of("channels", f"there is no channel {name!r}; the series has: {listed(known)}")
    names = list(dict.fromkeys(channels)) or known
    if len(names) > MAX_CHANNELS:
        reason = f"{len(names)} channels are more than {MAX_CHANNELS} at once; name some of: {listed(known)}"
        raise InvalidInputError.of("channels", reason)
    return names


def _edges(rows: int, start: int, end: int, buckets: int) -> Int64s:
    """First rows of the buckets and the end, shape [buckets + 1]."""
    if buckets not in BUCKETS:
        raise InvalidInputError.of("buckets", f"{buckets} is not between {BUCKETS.start} and {BUCKETS.stop - 1}")
    if not 0 <= start < rows:
        raise InvalidInputError.of("start_row", f"{start} is not a row of the series, which has {rows}")
    if not start < end <= rows:
        raise InvalidInputError.of("end_row", f"{end} is not between start_row + 1 ({start + 1}) and {rows}")
    count = min(buckets, end - start)
    return start + (end - start) * np.arange(count + 1) // count


def _groups(file: Any, edges: Int64s) -> Iterator[tuple[int, int]]:
    """Row groups that hold rows of the range, with the number of their first row."""
    first = 0
    for group in range(file.num_row_groups):
        count = file.metadata.row_group(group).num_rows
        if first < edges[-1] and first + count > edges[0]:
            yield group, first
        first += count


class _Counting:
    """Buckets being filled, shape [channels, buckets]."""

    def __init__(self, names: Sequence[str], edges: Int64s) -> None:
        shape = (len(names), edges.size - 1)
        self._names = names
        self._edges = edges
        self._times = np.zeros(edges.size - 1, dtype=np.int64)
        self._min: npt.NDArray[np.float64] = np.full(shape, np.nan)
        self._max: npt.NDArray[np.float64] = np.full(shape, np.nan)
        self._count = np.zeros(shape, dtype=np.int64)

    def add(self, table: Any, first: int) -> None:
        """Count the rows of a row group that begins with row `first` of the series."""
        start, stop = max(first, int(self._edges[0])), min(first + table.num_rows, int(self._edges[-1]))
        low = int(np.searchsorted(self._edges, start, side="right")) - 1
        high = int(np.searchsorted(self._edges, stop, side="left"))
        cuts = np.maximum(self._edges[low:high], start) - start
        inside = table.slice(start - first, stop - start)
        begun = self._edges[low:high] >= start
        times = inside.column(TIME_COLUMN).combine_chunks().cast(pa.int64()).to_numpy()
        self._times[low:high][begun] = times[cuts[begun]]
        for row, name in enumerate(self._names):
            # A null becomes NaN, which fmin and fmax pass over.
            values = inside.column(name).combine_chunks().to_numpy(zero_copy_only=False)
            self._min[row, low:high] = np.fmin(self._min[row, low:high], np.fmin.reduceat(values, cuts))
            self._max[row, low:high] = np.fmax(self._max[row, low:high], np.fmax.reduceat(values, cuts))
            self._count[row, low:high] += np.add.reduceat(~np.isnan(values), cuts, dtype=np.int64)

    def buckets(self) -> dict[str, tuple[Bucket, ...]]:
        """What was counted, by channel."""
        return {name: self._channel(row) for row, name in enumerate(self._names)}

    def _channel(self, row: int) -> tuple[Bucket, ...]:
        counted = (self._edges[:-1], self._times, np.nan_to_num(self._min[row]), np.nan_to_num(self._max[row]))
        columns = (column.tolist() for column in (*counted, self._count[row]))
        return tuple(
            Bucket(start_row=start, start_time=time, min=low, max=high, count=count)
            for start, time, low, high, count in zip(*columns, strict=True)
        )

"""Fewer rows for the same picture: MinMaxLTTB, channel by channel, in bounded memory.

Method: Van Der Donckt et al., "MinMaxLTTB: Leveraging MinMax-Preselection to Scale LTTB" (IEEE VIS 2023).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tsdownsample import LTTBDownsampler, MinMaxDownsampler

from shared.contracts.series import TIME_COLUMN
from svc_ingest.domain.series import Downsampling, SeriesFacts
from svc_ingest.domain.times import Int64s
from svc_ingest.sources.base import Reading, series_schema
from svc_ingest.sources.writer import write_series

METHOD = "minmax-lttb"
# Extremes that the first step keeps for each point of the second, as the paper advises.
PRESELECTED = 4
MIN_POINTS = 3


def downsample_series(full: Path, facts: SeriesFacts, target: Path, points: int) -> SeriesFacts:
    """Write the rows of `full` that some channel's shape needs to `target`: at most `points` of them.

    Every channel has an equal share of the points (three at least, even where that makes more points) and all
    channels keep the union of the rows, so that they stay aligned. The first and the last row are always kept.
    """
    share = max(MIN_POINTS, (points - 2) // len(facts.channels))
    kept = [np.array([0, facts.rows - 1])]
    kept += [_channel_rows(full, facts, name, share) for name in facts.channels]
    rows = np.unique(np.concatenate(kept))
    reading = Reading(time=facts.time, channels=facts.channels, batches=_batches_of_rows(full, facts, rows))
    how = Downsampling(method=METHOD, from_rows=facts.rows, points=points)
    return write_series(reading, target, how)


def _channel_rows(full: Path, facts: SeriesFacts, name: str, share: int) -> Int64s:
    """The rows that MinMaxLTTB keeps of one channel, missing values left out."""
    even = facts.sampling.gaps == 0 and not facts.sampling.irregular
    parts = list(_extremes(full, facts, name, PRESELECTED * share, even=even))
    rows: Int64s = np.concatenate([part[0] for part in parts])
    places = np.concatenate([part[1] for part in parts])
    values = np.concatenate([part[2] for part in parts])
    if rows.size <= share:
        return rows
    chosen = LTTBDownsampler().downsample(places, values, n_out=share)  # type: ignore[no-untyped-call]
    kept: Int64s = rows[chosen.astype(np.int64)]
    return kept


def _extremes(full: Path, facts: SeriesFacts, name: str, points: int, *, even: bool) -> Iterator[tuple[Any, Any, Any]]:
    """(rows, places on the time axis, values) of the extremes of each row group, about `points` in all.

    Where rows are evenly spaced their numbers serve as places: without times, tsdownsample is several times faster.
    """
    first = 0
    with pq.ParquetFile(full) as file:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=[name] if even else [TIME_COLUMN, name])
            values = table.column(name).combine_chunks()
            rows = np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False))
            present = values.drop_null().to_numpy()
            places = first + rows if even else _times(table)[rows]
            wanted = 2 * max(1, round(points * table.num_rows / facts.rows / 2))
            if rows.size > wanted:
                x = () if even and rows.size == table.num_rows else (places,)
                minmax = MinMaxDownsampler()  # type: ignore[no-untyped-call]
                chosen = minmax.downsample(*x, present, n_out=wanted).astype(np.int64)
                rows, places, present = rows[chosen], places[chosen], present[chosen]
            yield first + rows, places, present
            first += table.num_rows


def _batches_of_rows(full: Path, facts: SeriesFacts, rows: Int64s) -> Generator[Any]:
    schema = series_schema(facts.time, facts.channels)
    first = 0
    with pq.ParquetFile(full) as file:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            start, stop = np.searchsorted(rows, (first, first + table.num_rows))
            if stop > start:
                yield from table.take(pa.array(rows[start:stop] - first)).cast(schema).to_batches()
            first += table.num_rows


def _times(table: Any) -> Int64s:
    times: Int64s = pc.cast(table.column(TIME_COLUMN), pa.int64()).combine_chunks().to_numpy()
    return times

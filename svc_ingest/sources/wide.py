"""The wide layout: pieces are batches of the series once their times and values are checked."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import Any

import pyarrow as pa

from shared.contracts.series import TIME_UTC
from svc_ingest.domain.options import Missing
from svc_ingest.domain.times import Int64s
from svc_ingest.sources.base import Reading, series_schema
from svc_ingest.sources.pieces import Piece, finite, order_fault


def wide_reading(pieces: Generator[Piece], *, time: str, channels: tuple[str, ...], missing: Missing) -> Reading:
    """A reading whose channels are the columns of the pieces."""
    return Reading(time=time, channels=channels, batches=_batches(pieces, time, channels, missing))


def time_array(times: Int64s, time: str) -> Any:
    """Times as the series' Arrow type."""
    array = pa.array(times)
    return array.view(pa.timestamp("ns", tz="UTC")) if time == TIME_UTC else array


def _batches(pieces: Generator[Piece], time: str, channels: tuple[str, ...], missing: Missing) -> Generator[Any]:
    schema = series_schema(time, channels)
    last: int | None = None
    with closing(pieces):
        for piece in pieces:
            faults = [*piece.faults, order_fault(piece.times, last, time)]
            columns = []
            for name in channels:
                values, fault = finite(name, piece.columns[name], missing)
                columns.append(values)
                faults.append(fault)
            piece.place.raise_first(faults)
            last = int(piece.times[-1])
            yield pa.record_batch([time_array(piece.times, time), *columns], schema=schema)

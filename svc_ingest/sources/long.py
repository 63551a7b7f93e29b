"""The long layout: rows of (time, channel, value), in any order in which time grows within a channel, to a series."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from shared.errors import InvalidInputError
from svc_ingest.domain.columns import MAX_CHANNELS, Columns, check_channels
from svc_ingest.domain.options import Missing
from svc_ingest.domain.times import Int64s
from svc_ingest.sources.base import Reading, series_schema
from svc_ingest.sources.merge import merged
from svc_ingest.sources.pieces import Fault, Piece, finite, order_reason
from svc_ingest.sources.spill import Spill
from svc_ingest.sources.wide import time_array

Codes = npt.NDArray[np.int32]


def long_reading(pieces: Generator[Piece], *, time: str, columns: Columns, missing: Missing, scratch: Path) -> Reading:
    """Sort the rows by channel into a temporary file, then merge the channels by time.

    The whole file is read before this returns, because any row may name a channel that was not seen before.
    Channels stand in the order in which the file first names them.
    """
    spill = Spill(scratch)
    try:
        rows = _LongRows(time=time, columns=columns, missing=missing, spill=spill)
        with closing(pieces):
            for piece in pieces:
                rows.add(piece)
        channels = rows.channels()
    except BaseException:
        spill.close()
        raise
    return Reading(time=time, channels=channels, batches=_batches(spill, time, channels))


def _batches(spill: Spill, time: str, channels: tuple[str, ...]) -> Generator[Any]:
    schema = series_schema(time, channels)
    with closing(spill):
        for times, values in merged(spill, len(channels)):
            columns = [pa.array(column, from_pandas=True) for column in values]
            yield pa.record_batch([time_array(times, time), *columns], schema=schema)


class _LongRows:
    """Checks pieces and hands their rows to the spill, under a number for each channel."""

    def __init__(self, *, time: str, columns: Columns, missing: Missing, spill: Spill) -> None:
        self._spill = spill
        self._time = time
        self._columns = columns
        self._missing = missing
        self._numbers: dict[str, int] = {}
        self._begun = np.zeros(MAX_CHANNELS, dtype=np.bool_)
        self._last = np.zeros(MAX_CHANNELS, dtype=np.int64)

    def add(self, piece: Piece) -> None:
        """Check and keep the rows of a piece; those of channels that are not wanted are left out."""
        names = piece.columns[self._columns.channel]
        values, value_fault = finite(self._columns.value, piece.columns[self._columns.value], self._missing)
        codes, rows = self._sorted_rows(names)
        times = piece.times[rows]
        piece.place.raise_first(
            [*piece.faults, self._name_fault(names), value_fault, self._order_fault(codes, rows, times)]
        )
        if rows.size:
            self._begun[codes] = True
            # Of the rows of one channel the last one counts: numpy assigns in order.
            self._last[codes] = times
            # NaN stands for a missing value in the spill: no other NaN gets this far.
            self._spill.add(codes, times, values.to_numpy(zero_copy_only=False)[rows])

    def channels(self) -> tuple[str, ...]:
        """The channels found; InvalidInputError when one that was asked for is not among them."""
        for name in self._columns.channels:
            if name not in self._numbers:
                raise InvalidInputError.of("options.channels", f"no row of the file names the channel {name!r}")
        names = tuple(self._numbers)
        check_channels(names)
        return names

    def _sorted_rows(self, names: Any) -> tuple[Codes, Int64s]:
        """The rows that are kept, by channel and then as in the file, with their channels' numbers."""
        encoded = names.dictionary_encode()
        numbers = np.array([self._number(name) for name in encoded.dictionary.to_pylist()] or [-1], dtype=np.int32)
        codes = numbers[pc.fill_null(encoded.indices, 0).to_numpy(zero_copy_only=False)]
        order = np.argsort(codes, kind="stable")
        order = order[np.searchsorted(codes[order], 0) :]
        return codes[order], order

    def _number(self, name: str) -> int:
        """A channel's number, -1 for one that is not wanted."""
        wanted = self._columns.channels
        if not name or (wanted and name not in wanted):
            return -1
        number = self._numbers.setdefault(name, len(self._numbers))
        if number >= MAX_CHANNELS:
            check_channels(tuple(self._numbers))
        return number

    def _name_fault(self, names: Any) -> Fault | None:
        empty = pc.fill_null(pc.equal(names, ""), fill_value=True)
        row = pc.index(empty, value=True).as_py()
        return Fault(row=row, column=self._columns.channel, reason="no channel is named") if row >= 0 else None

    def _order_fault(self, codes: Codes, rows: Int64s, times: Int64s) -> Fault | None:
        """The first row of the file whose time does not grow within its channel."""
        begins = np.ones(codes.size, dtype=np.bool_)
        begins[1:] = codes[1:] != codes[:-1]
        before = np.empty_like(times)
        before[1:] = times[:-1]
        before[begins] = self._last[codes[begins]]
        wrong = np.flatnonzero((times <= before) & (~begins | self._begun[codes]))
        if wrong.size == 0:
            return None
        at = wrong[np.argmin(rows[wrong])]
        channel = list(self._numbers)[codes[at]]
        reason = f"{order_reason(int(times[at]), int(before[at]), self._time)} (channel {channel!r})"
        return Fault(row=int(rows[at]), reason=reason)

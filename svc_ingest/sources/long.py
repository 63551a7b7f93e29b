"""The long layout: rows of (time, channel, value) in any order that grows within a channel, to a wide series."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from shared.errors import InvalidInputError
from svc_ingest.domain.columns import Columns, check_channels, listed
from svc_ingest.domain.options import Missing
from svc_ingest.domain.times import Int64s
from svc_ingest.sources.base import Reading, series_schema
from svc_ingest.sources.pieces import Fault, Piece, finite, order_reason
from svc_ingest.sources.spill import Spill
from svc_ingest.sources.wide import time_array

# What one batch of the wide result may hold.
BATCH_CELLS = 2**21
_NEVER = np.iinfo(np.int64).min


def long_reading(pieces: Iterator[Piece], *, time: str, columns: Columns, missing: Missing, scratch: Path) -> Reading:
    """Sort the rows by channel into a temporary file, then merge the channels by time.

    The whole file is read before this returns, because any row may bring a channel that was not seen before.
    Channels stand in the order in which the file first names them.
    """
    rows = _LongRows(time=time, columns=columns, missing=missing, spill=Spill(scratch))
    with closing(pieces):  # type: ignore[type-var]
        for piece in pieces:
            rows.add(piece)
    channels = rows.channels()
    return Reading(time=time, channels=channels, batches=_batches(rows.spill, time, channels))


class _LongRows:
    """Checks pieces and hands their rows to the spill, under a number for each channel."""

    def __init__(self, *, time: str, columns: Columns, missing: Missing, spill: Spill) -> None:
        self.spill = spill
        self._time = time
        self._columns = columns
        self._missing = missing
        self._numbers: dict[str, int] = {}
        self._last = np.empty(0, dtype=np.int64)
        self._begun = np.empty(0, dtype=np.bool_)

    def add(self, piece: Piece) -> None:
        """Check and keep the rows of a piece; those of channels that are not wanted are left out."""
        names = piece.columns[self._columns.channel]
        values, value_fault = finite(self._columns.value, piece.columns[self._columns.value], self._missing)
        faults = [piece.time_fault, value_fault, self._name_fault(names)]
        encoded = names.dictionary_encode()
        codes, rows = self._kept(encoded)
        order = np.argsort(codes, kind="stable")
        codes, rows = codes[order], rows[order]
        times = piece.times[rows]
        faults.append(self._order_fault(codes, rows, times))
        piece.place.raise_first(faults)
        if rows.size:
            self._remember(codes, times)
            # NaN stands for null in the spill: no other NaN gets this far.
            self.spill.add(codes, times, values.to_numpy(zero_copy_only=False)[rows])

    def channels(self) -> tuple[str, ...]:
        """The channels found; InvalidInputError when one that was asked for is not among them."""
        for name in self._columns.channels:
            if name not in self._numbers:
                reason = f"there is no channel {name!r}; the file has no row that names it"
                raise InvalidInputError.of("options.channels", reason)
        return tuple(self._numbers)

    def _name_fault(self, names: Any) -> Fault | None:
        empty = pc.fill_null(pc.equal(names, ""), fill_value=True)
        row = pc.index(empty, value=True).as_py()
        return Fault(row=row, column=self._columns.channel, reason="no channel is named") if row >= 0 else None

    def _kept(self, encoded: Any) -> tuple[npt.NDArray[np.int32], Int64s]:
        """Channel numbers of the rows that are kept, and these rows, in file order."""
        table = np.array([self._number(name) for name in encoded.dictionary.to_pylist()] or [-1], dtype=np.int32)
        codes = table[pc.fill_null(encoded.indices, 0).to_numpy(zero_copy_only=False)]
        rows = np.flatnonzero(codes >= 0)
        return codes[rows], rows

    def _number(self, name: str | None) -> int:
        """A channel's number, -1 for one that is not wanted."""
        wanted = self._columns.channels
        if not name or (wanted and name not in wanted):
            return -1
        if name not in self._numbers:
            self._numbers[name] = len(self._numbers)
            check_channels([name] if len(self._numbers) <= 1 else list(self._numbers)[-1:])
            check_channels(list(self._numbers))
            self._last = np.append(self._last, _NEVER)
            self._begun = np.append(self._begun, False)
        return self._numbers[name]

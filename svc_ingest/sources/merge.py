"""Channels that each grow in time, merged into rows that hold all of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from svc_ingest.domain.times import Int64s
from svc_ingest.sources.spill import Floats, Spill

# Rows of all channels that are held at once, and cells of one batch of the result.
HELD_ROWS = 2**21
BATCH_CELLS = 2**21
MIN_ROWS = 256


def merged(spill: Spill, channels: int) -> Iterator[tuple[Int64s, list[Floats]]]:
    """Batches of (times [n], values of each channel [n], NaN where a channel has none) with growing times."""
    cursors = [_Cursor(spill, channel, max(MIN_ROWS, HELD_ROWS // channels)) for channel in range(channels)]
    rows = max(MIN_ROWS, BATCH_CELLS // channels)
    while True:
        # Up to the earliest time that some channel's held rows end with, no row can be missing.
        ends = [cursor.last() for cursor in cursors]
        held = [end for end in ends if end is not None]
        if not held:
            return
        parts = [cursor.take_until(min(held)) for cursor in cursors]
        times = _union([part_times for part_times, _ in parts])
        for start in range(0, times.size, rows):
            chosen = times[start : start + rows]
            yield chosen, [_aligned(chosen, part_times, values) for part_times, values in parts]


class _Cursor:
    """One channel's rows that are held, refilled from the spill when they are used up."""

    def __init__(self, spill: Spill, channel: int, rows: int) -> None:
        self._spill = spill
        self._channel = channel
        self._rows = rows
        self._times, self._values = spill.take(channel, rows)

    def last(self) -> int | None:
        """The time of the last row held; None when the channel has ended."""
        if self._times.size == 0:
            self._times, self._values = self._spill.take(self._channel, self._rows)
        return int(self._times[-1]) if self._times.size else None

    def take_until(self, time: int) -> tuple[Int64s, Floats]:
        """Give away the held rows up to and with this time."""
        count = int(np.searchsorted(self._times, time, side="right"))
        taken = self._times[:count], self._values[:count]
        self._times, self._values = self._times[count:], self._values[count:]
        return taken


def _union(parts: list[Int64s]) -> Int64s:
    filled = [part for part in parts if part.size]
    if all(np.array_equal(part, filled[0]) for part in filled[1:]):
        return filled[0]
    return np.unique(np.concatenate(filled))


def _aligned(times: Int64s, own_times: Int64s, own_values: Floats) -> Floats:
    """A channel's values at `times`, which hold all of its own times in their range."""
    start = np.searchsorted(own_times, times[0], side="left")
    stop = np.searchsorted(own_times, times[-1], side="right")
    column = np.full(times.size, np.nan)
    column[np.searchsorted(times, own_times[start:stop])] = own_values[start:stop]
    return column

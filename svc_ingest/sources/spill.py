"""A temporary file of (time, value) rows kept apart by channel."""

from __future__ import annotations

import tempfile
from collections import defaultdict, deque
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from svc_ingest.domain.times import Int64s

Floats = npt.NDArray[np.float64]
_ITEM = 8


class _Run(NamedTuple):
    """Rows of one channel that lie together: `rows` times at byte `times_at`, their values at `values_at`."""

    times_at: int
    values_at: int
    rows: int


class Spill:
    """Written first, piece by piece, then read once, channel by channel; its file has no name and ends with it."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by close()
        self._end = 0
        self._runs: defaultdict[int, deque[_Run]] = defaultdict(deque)

    def add(self, codes: npt.NDArray[np.int32], times: Int64s, values: Floats) -> None:
        """Append rows that are sorted by channel number, shape [n] each; NaN means missing."""
        self._file.write(np.ascontiguousarray(times).data)
        self._file.write(np.ascontiguousarray(values).data)
        starts = np.flatnonzero(np.diff(codes, prepend=-1)).tolist()
        for start, stop in zip(starts, [*starts[1:], codes.size], strict=True):
            times_at = self._end + start * _ITEM
            run = _Run(times_at, times_at + codes.size * _ITEM, stop - start)
            self._runs[int(codes[start])].append(run)
        self._end += 2 * codes.size * _ITEM

    def take(self, channel: int, rows: int) -> tuple[Int64s, Floats]:
        """The channel's next rows in time order, about `rows` of them; none when all were taken."""
        runs, times, values, left = self._runs[channel], [], [], rows
        while runs and left > 0:
            run = runs.popleft()
            count = min(run.rows, left)
            times.append(self._read(run.times_at, count).view(np.int64))
            values.append(self._read(run.values_at, count))
            left -= count
            if count < run.rows:
                skipped = count * _ITEM
                runs.appendleft(_Run(run.times_at + skipped, run.values_at + skipped, run.rows - count))
        if not times:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float64)
        return np.concatenate(times), np.concatenate(values)

    def close(self) -> None:
        """Give the disk space back."""
        self._file.close()

    def _read(self, offset: int, count: int) -> Floats:
        self._file.seek(offset)
        return np.frombuffer(self._file.read(count * _ITEM), dtype=np.float64)

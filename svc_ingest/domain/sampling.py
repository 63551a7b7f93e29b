"""How evenly a series is sampled, counted in bounded memory whatever the pieces it arrives in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from svc_ingest.domain.times import Int64s

GAP = 1.5
JITTER = 0.1
IRREGULAR_SHARE = 0.01
# A step's bin is its exponent and the first ten bits of its mantissa: bins are 0.1 % wide.
_MANTISSA_BITS = 10
_BINS = 64 << _MANTISSA_BITS
_SHIFT = 52 - _MANTISSA_BITS
_BIAS = 1023 << _MANTISSA_BITS


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingFacts:
    """Steps between neighbouring rows, in ns or in index units.

    Args:
        median_step: the median step, exact when most steps are equal, else within 0.1 %; 0 when there is one row.
        gaps: steps longer than 1.5 medians.
        irregular: more than 1 % of the steps that are no gaps differ from the median by more than 10 %.
    """

    median_step: int
    gaps: int
    irregular: bool


class Sampling:
    """A histogram of steps; `add` takes the rows in order."""

    def __init__(self) -> None:
        self._counts = np.zeros(_BINS, dtype=np.int64)
        self._smallest = np.full(_BINS, np.iinfo(np.uint64).max, dtype=np.uint64)
        self._last: int | None = None

    def add(self, times: Int64s) -> None:
        """Count the steps of the next rows, whose times grow."""
        if times.size == 0:
            return
        joined = times if self._last is None else np.concatenate(([self._last], times))
        self._last = int(times[-1])
        # The difference of two int64 may need 64 bits: as uint64 it is right in every case.
        steps = np.diff(joined).view(np.uint64)
        if steps.size and steps.min() == steps.max():
            self._count(steps[:1], np.array([steps.size]))
        elif steps.size:
            self._count(steps, None)

    def _count(self, steps: np.ndarray[tuple[int], np.dtype[np.uint64]], weights: Int64s | None) -> None:
        bins = (steps.astype(np.float64).view(np.int64) >> _SHIFT) - _BIAS
        bins = np.minimum(bins, _BINS - 1)
        np.minimum.at(self._smallest, bins, steps)
        if weights is None:
            self._counts += np.bincount(bins, minlength=_BINS)
        else:
            self._counts[bins] += weights

    def facts(self) -> SamplingFacts:
        """What was counted so far."""
        total = int(self._counts.sum())
        if total == 0:
            return SamplingFacts(median_step=0, gaps=0, irregular=False)
        middle = int(np.searchsorted(np.cumsum(self._counts), (total + 1) // 2))
        median = int(self._smallest[middle])
        used = self._counts > 0
        steps, counts = self._smallest[used].astype(np.float64), self._counts[used]
        is_gap = steps > GAP * median
        uneven = ~is_gap & (np.abs(steps - median) > JITTER * median)
        gaps = int(counts[is_gap].sum())
        irregular = bool(counts[uneven].sum() > IRREGULAR_SHARE * (total - gaps))
        return SamplingFacts(median_step=median, gaps=gaps, irregular=irregular)

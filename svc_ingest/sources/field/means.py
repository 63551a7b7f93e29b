"""Monthly means of rows that come a piece at a time."""

# ruff: noqa: N803, N806 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Maps = NDArray[np.float32]


def monthly_means(pieces: Iterable[tuple[Counts, Maps]]) -> Iterator[tuple[Counts, Maps]]:
    """The mean of each month over what is known of it.

    Args:
        pieces: month of each row, ascending, and float32 [rows, lat, lon]; a month may go on in the next piece.

    Yields:
        Months, each once, and float32 [months, lat, lon]; NaN where a month is not known.
    """
    open_months = np.empty(0, dtype=np.int64)
    open_sums_Myx = open_counts_Myx = np.empty(0)
    for month_of_R, values_Ryx in pieces:
        months, starts = np.unique(month_of_R, return_index=True)
        known_Ryx = np.isfinite(values_Ryx)
        sums_Myx = np.add.reduceat(np.where(known_Ryx, values_Ryx, 0), starts, axis=0, dtype=np.float64)
        counts_Myx = np.add.reduceat(known_Ryx, starts, axis=0, dtype=np.float64)
        if len(open_months) and open_months[0] == months[0]:
            sums_Myx[0] += open_sums_Myx[0]
            counts_Myx[0] += open_counts_Myx[0]
        elif len(open_months):
            yield open_months, _mean(open_sums_Myx, open_counts_Myx)
        if len(months) > 1:
            yield months[:-1], _mean(sums_Myx[:-1], counts_Myx[:-1])
        open_months, open_sums_Myx, open_counts_Myx = months[-1:], sums_Myx[-1:], counts_Myx[-1:]
    if len(open_months):
        yield open_months, _mean(open_sums_Myx, open_counts_Myx)


def _mean(sums_Myx: NDArray[np.float64], counts_Myx: NDArray[np.float64]) -> Maps:
    return np.where(counts_Myx > 0, sums_Myx / np.maximum(counts_Myx, 1), np.nan).astype(np.float32)

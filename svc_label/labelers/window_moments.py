"""Mean and covariance of all windows of a series, without ever laying the windows out."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from svc_label.labelers.base import Floats

Bools = NDArray[np.bool_]
BLOCK = 16_384
# A run of fewer windows than this many window lengths is multiplied out: the recurrence costs a length squared.
SHORT_RUN = 4


def usable_windows(unusable_rows: Bools, window: int) -> Bools:
    """Which windows, by their first row, hold no unusable row; shape [rows - window + 1]."""
    count = np.concatenate([[0], np.cumsum(unusable_rows)])
    return np.asarray(count[window:] == count[:-window])


def window_moments(values: Floats, usable: Bools) -> tuple[Floats, Floats]:
    """Mean [window] and covariance [window, window] of the usable windows.

    The products sum_t x[t+i] x[t+j] of neighbouring (i, j) on a diagonal differ only at the two ends of a run of
    windows: one row of lagged products gives them all, in time proportional to rows times window.

    Args:
        values: [rows], finite, best centred and scaled near one.
        usable: see `usable_windows`; at least one must be True.
    """
    window = len(values) - len(usable) + 1
    total = np.zeros(window)
    products = np.zeros((window, window))
    for start, end in zip(*_runs(usable), strict=True):
        rows = values[start : end + window - 1]
        total += _column_sums(rows, window)
        products += _products(rows, window)
    count = np.count_nonzero(usable)
    mean = total / count
    return mean, products / count - np.outer(mean, mean)


def _runs(mask: Bools) -> tuple[list[int], list[int]]:
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False))
    return edges[::2].tolist(), edges[1::2].tolist()


def _column_sums(rows: Floats, window: int) -> Floats:
    cumulative = np.concatenate([[0.0], np.cumsum(rows)])
    count = len(rows) - window + 1
    return np.asarray(cumulative[count : count + window] - cumulative[:window])


def _products(rows: Floats, window: int) -> Floats:
    count = len(rows) - window + 1
    if count < SHORT_RUN * window:
        windows = sliding_window_view(rows, window)
        return np.asarray(windows.T @ windows)
    result = np.empty((window, window))
    result[0] = _lagged_products(rows, window)
    head, tail = rows[: window - 1], rows[count : count + window - 1]
    step = np.outer(tail, tail) - np.outer(head, head)
    for i in range(1, window):
        result[i, i:] = result[i - 1, i - 1 : -1] + step[i - 1, i - 1 :]
        result[i, :i] = result[:i, i]
    return result


def _lagged_products(rows: Floats, window: int) -> Floats:
    """sum_t x[t] x[t+lag] over all windows' first rows t, for each lag; in blocks that stay in the cache."""
    count = len(rows) - window + 1
    total = np.zeros(window)
    for start in range(0, count, BLOCK):
        end = min(start + BLOCK, count)
        total += np.correlate(rows[start : end + window - 1], rows[start:end], "valid")
    return total

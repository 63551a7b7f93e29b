"""Axes of a grid: whether two are the same, the edges of its cells, and what they share with an interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

# Degrees by which two axes may differ and be the same: files keep them in float32 here and there.
SAME_DEGREES = 1e-3
Degrees = Sequence[float] | NDArray[np.float64]
Bound = TypeVar("Bound", float, NDArray[np.float64])


def cell_edges(centres: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper edge of each cell: halfway between ascending centres, as far out at the ends."""
    middles = (centres[1:] + centres[:-1]) / 2
    first = [2 * centres[0] - middles[0]] if len(middles) else [centres[0]]
    last = [2 * centres[-1] - middles[-1]] if len(middles) else [centres[0]]
    edges = np.concatenate([first, middles, last])
    return edges[:-1], edges[1:]


def overlap(low: NDArray[np.float64], high: NDArray[np.float64], start: Bound, end: Bound) -> NDArray[np.float64]:
    """The length that each interval [low, high] shares with [start, end], never negative."""
    return np.asarray(np.clip(np.minimum(high, end) - np.maximum(low, start), 0, None))


def same_axis(one: Degrees, other: Degrees) -> bool:
    """Whether two axes have the same centres, up to what writing them in float32 changes."""
    return len(one) == len(other) and np.allclose(one, other, rtol=0, atol=SAME_DEGREES)


def axis_in_words(centres: Degrees) -> str:
    """`13 centres from 160 to 280`."""
    return f"{len(centres)} centres from {centres[0]:g} to {centres[-1]:g}"

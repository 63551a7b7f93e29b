"""From one grid to another, with what is not known left out."""

# ruff: noqa: N803, N806 - names end in their shape, in capitals

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.fields.grid import cell_edges, overlap

# Of the weight of a cell; with less than this known, the cell is not.
LEAST_KNOWN = 0.5


class Regridder:
    """Moves maps onto a grid: by area where it is coarser, by linear interpolation where it is not.

    Either is a weighted mean along each axis, taken over what is known: so a coast keeps its sea, where interpolation
    with NaN would lose it. A cell of which less than half is known is NaN, and so is one outside the source's grid.

    Args:
        lat, lon: degrees of the source's centres, ascending.
        to_lat, to_lon: degrees of the wanted centres, ascending.
    """

    def __init__(
        self,
        lat: NDArray[np.float64],
        lon: NDArray[np.float64],
        to_lat: NDArray[np.float64],
        to_lon: NDArray[np.float64],
    ) -> None:
        self._is_identity = np.array_equal(lat, to_lat) and np.array_equal(lon, to_lon)
        self._rows_Yy = _weights(lat, to_lat, is_latitude=True)
        self._columns_Xx = _weights(lon, to_lon, is_latitude=False)

    def apply(self, values_Tyx: NDArray[np.float32]) -> NDArray[np.float32]:
        """Float32 [months, lat, lon] of the wanted grid."""
        if self._is_identity:
            return values_Tyx
        known_Tyx = np.isfinite(values_Tyx)
        sums_TYX = self._weigh(np.where(known_Tyx, values_Tyx, 0).astype(np.float64))
        weight_TYX = self._weigh(known_Tyx.astype(np.float64))
        is_known_TYX = weight_TYX >= LEAST_KNOWN - 1e-9
        return np.where(is_known_TYX, sums_TYX / np.where(is_known_TYX, weight_TYX, 1), np.nan).astype(np.float32)

    def _weigh(self, values_Tyx: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self._rows_Yy @ values_Tyx @ self._columns_Xx.T)


def _weights(centres: NDArray[np.float64], wanted: NDArray[np.float64], *, is_latitude: bool) -> NDArray[np.float64]:
    if len(wanted) > 1 and np.diff(wanted).min() > 1.001 * np.diff(centres).max():
        return _shares(centres, wanted, is_latitude=is_latitude)
    return _linear(centres, wanted)


def _shares(centres: NDArray[np.float64], wanted: NDArray[np.float64], *, is_latitude: bool) -> NDArray[np.float64]:
    """Float64 [wanted, centres]: what each source cell covers of the wanted one, by area on the sphere."""
    edges = (*cell_edges(centres), *cell_edges(wanted))
    low, high, to_low, to_high = (np.sin(np.radians(edge)) if is_latitude else edge for edge in edges)
    shared = overlap(low[None, :], high[None, :], to_low[:, None], to_high[:, None])
    return shared / (to_high - to_low)[:, None]


def _linear(centres: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Float64 [wanted, centres]: the two neighbours by nearness; the last one within half a cell beyond the end."""
    low, high = cell_edges(centres)
    inside = np.clip(wanted, centres[0], centres[-1])
    right = np.clip(np.searchsorted(centres, inside, side="right"), 1, len(centres) - 1)
    nearness = (inside - centres[right - 1]) / (centres[right] - centres[right - 1])
    weights = np.zeros((len(wanted), len(centres)))
    rows = np.arange(len(wanted))
    weights[rows, right - 1] = 1 - nearness
    weights[rows, right] = nearness
    weights[(wanted < low[0]) | (wanted > high[-1])] = 0
    return weights

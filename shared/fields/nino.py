"""The Nino indices: mean sea-surface temperature anomalies of boxes in the tropical Pacific."""

# ruff: noqa: N803, N806 - names end in their shape, in capitals

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.fields.grid import cell_edges, overlap

# Of a box's ocean, by area; with less than this known, a month has no index.
LEAST_KNOWN = 0.5
# Of a box's area, land included; a grid whose cells cover less has no index of it.
LEAST_COVERED = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A part of the sea, in degrees: latitude from south to north, longitude eastward from 0 to 360."""

    south: float
    north: float
    west: float
    east: float

    @property
    def area(self) -> float:
        """On the sphere, in steradian."""
        south, north = np.sin(np.radians([self.south, self.north]))
        return float((north - south) * np.radians(self.east - self.west))


BOXES = {
    "nino12": Box(south=-10, north=0, west=270, east=280),
    "nino3": Box(south=-5, north=5, west=210, east=270),
    "nino34": Box(south=-5, north=5, west=190, east=240),
    "nino4": Box(south=-5, north=5, west=160, east=210),
}


def holds_box(box: Box, lat: NDArray[np.float64], lon: NDArray[np.float64]) -> bool:
    """Whether the grid's cells cover at least 95 % of the box's area: a coarse grid may end within a cell of a side."""
    return float(box_weights(box, lat, lon).sum()) >= LEAST_COVERED * box.area


def box_weights(box: Box, lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.float64]:
    """Float64 [lat, lon]: the area on the sphere, in steradian, that each cell shares with the box."""
    south, north = (np.sin(np.radians(edge)) for edge in cell_edges(lat))
    low, high = np.sin(np.radians([box.south, box.north]))
    west, east = cell_edges(lon)
    heights = overlap(south, north, low, high)
    widths = np.radians(overlap(west, east, box.west, box.east))
    return np.asarray(heights[:, None] * widths[None, :])


def nino_indices(
    sst_anomalies_TYX: NDArray[np.float32],
    lat: NDArray[np.float64],
    lon: NDArray[np.float64],
) -> dict[str, NDArray[np.float32]]:
    """The area-weighted mean anomaly of each box that the grid holds.

    Args:
        sst_anomalies_TYX: [months, lat, lon] in degrees C; NaN on land and where nothing is known.
        lat: degrees of the grid's centres, ascending.
        lon: degrees of the grid's centres, ascending, eastward from 0 to 360.

    Returns:
        `nino12`, `nino3`, `nino34`, `nino4` -> float32 [months] in degrees C. A box that the grid does not hold is
        absent. A month of which less than half of the box's ocean is known is NaN; ocean is what is known in any month.
    """
    held = {name: box for name, box in BOXES.items() if holds_box(box, lat, lon)}
    return {name: _mean_in_box(sst_anomalies_TYX, box, lat, lon) for name, box in held.items()}


def _mean_in_box(
    values_TYX: NDArray[np.float32],
    box: Box,
    lat: NDArray[np.float64],
    lon: NDArray[np.float64],
) -> NDArray[np.float32]:
    weights_YX = box_weights(box, lat, lon)
    rows, columns = (slice(found[0], found[-1] + 1) for found in map(np.unique, np.nonzero(weights_YX)))
    part_TYX, weights_YX = values_TYX[:, rows, columns], weights_YX[rows, columns]
    known_TYX = np.isfinite(part_TYX)
    area_T = np.einsum("tyx,yx->t", known_TYX, weights_YX)
    sum_T = np.einsum("tyx,yx->t", np.where(known_TYX, part_TYX, 0).astype(np.float64), weights_YX)
    ocean = float((known_TYX.any(axis=0) * weights_YX).sum())
    enough_T = (area_T > 0) & (area_T >= LEAST_KNOWN * ocean)
    return np.where(enough_T, sum_T / np.where(enough_T, area_T, 1), np.nan).astype(np.float32)

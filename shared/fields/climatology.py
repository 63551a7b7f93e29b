"""The usual year of a field, and what departs from it."""

# ruff: noqa: N803, N806 - names end in their shape, in capitals

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.errors import InvalidInputError

MONTHS = 12


class ClimatologySums:
    """Sums of a field by month of the year, added piece by piece, so that the field need not fit into memory.

    Args:
        shape: latitudes and longitudes of the field.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self._sums_MYX = np.zeros((MONTHS, *shape), dtype=np.float64)
        self._counts_MYX = np.zeros((MONTHS, *shape), dtype=np.int64)

    def add(self, values_TYX: NDArray[np.float32], month_of_T: NDArray[np.int64]) -> None:
        """Add months: `month_of_T` says which of the year each is, January being 0. NaN counts for nothing."""
        known_TYX = np.isfinite(values_TYX)
        # Unbuffered: a month of the year may come several times in a piece.
        np.add.at(self._sums_MYX, month_of_T, np.where(known_TYX, values_TYX, 0))
        np.add.at(self._counts_MYX, month_of_T, known_TYX)

    def means(self) -> NDArray[np.float32]:
        """Float32 [12, lat, lon]; NaN where a month of the year was never known."""
        means_MYX = self._sums_MYX / np.maximum(self._counts_MYX, 1)
        return np.where(self._counts_MYX > 0, means_MYX, np.nan).astype(np.float32)


def monthly_climatology(
    values_TYX: NDArray[np.float32],
    month_of_T: NDArray[np.int64],
) -> NDArray[np.float32]:
    """The mean of each month of the year, float32 [12, lat, lon]; NaN where it was never known.

    Args:
        values_TYX: the months of the base period.
        month_of_T: which month of the year each is, January being 0.
    """
    sums = ClimatologySums((values_TYX.shape[1], values_TYX.shape[2]))
    sums.add(values_TYX, month_of_T)
    return sums.means()


def anomalies_of(
    values_TYX: NDArray[np.float32],
    climatology_MYX: NDArray[np.float32],
    month_of_T: NDArray[np.int64],
) -> NDArray[np.float32]:
    """What departs from the usual year: float32 [months, lat, lon]."""
    if len(climatology_MYX) != MONTHS:
        raise InvalidInputError.of("climatology", f"has {len(climatology_MYX)} months; needed are {MONTHS}")
    return values_TYX - climatology_MYX[month_of_T]

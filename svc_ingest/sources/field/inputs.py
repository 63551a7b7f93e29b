"""A variable that is ready to be read, piece by piece, in the unit and order it is kept in."""

# ruff: noqa: N806 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from svc_ingest.sources.field.axes import Axis, Dims
from svc_ingest.sources.field.opening import Part
from svc_ingest.sources.field.quantities import Quantity
from svc_ingest.sources.field.times import Months
from svc_ingest.sources.field.units import Conversion

# What is read at once, in float64.
PIECE_BYTES = 32 * 2**20
MOST_CHUNK_BYTES = 2**29


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Input:
    """One variable of one file.

    Args:
        part: its file.
        variable: its name there.
        dims: its dimensions.
        level: index on the level axis; None where there is none.
        lat, lon: the wanted part of its axes.
        months: the months of its rows.
        quantity: what it measures.
        conversion: to the unit of the quantity.
        is_anomaly: it departs from a usual year that is not in the file.
    """

    part: Part
    variable: str
    dims: Dims
    level: int | None
    lat: Axis
    lon: Axis
    months: Months
    quantity: Quantity
    conversion: Conversion
    is_anomaly: bool

    def pieces(self) -> Iterator[slice]:
        """Rows that are read at once, over all of them: whole chunks of the file where they fit."""
        rows = self._array.sizes[self.dims.time]
        maps = PIECE_BYTES // (8 * _width(self.lat.span) * _width(self.lon.span))
        chunk = int(self._array.encoding.get("preferred_chunks", {}).get(self.dims.time, 1))
        step = max(1, maps // chunk * chunk or maps)
        return (slice(first, min(rows, first + step)) for first in range(0, rows, step))

    def check_chunks(self) -> None:
        """Refuse chunks that do not fit into memory."""
        chunks = self._array.encoding.get("preferred_chunks", {})
        size = int(np.prod([int(side) for side in chunks.values()], dtype=object)) * self._array.dtype.itemsize
        if size > MOST_CHUNK_BYTES:
            raise self.part.wrong(f"a chunk takes {size} bytes; at most {MOST_CHUNK_BYTES}: rechunk it", self.variable)

    def raw(self, rows: slice) -> NDArray[np.float32]:
        """Float32 [rows, lat, lon] in the unit it is kept in, land and mistakes included."""
        dims = self.dims
        place: dict[str, Any] = {dims.time: rows, dims.lat: self.lat.span, dims.lon: self.lon.span}
        if dims.level:
            place[dims.level] = self.level
        try:
            values = self._array.isel(place).transpose(dims.time, dims.lat, dims.lon).values
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            reason = f"rows from {rows.start} on cannot be read; the file may be damaged ({type(error).__name__})"
            raise self.part.wrong(reason, self.variable) from None
        return self.conversion.apply(values[:, self.lat.order][:, :, self.lon.order])

    def read(self, rows: slice, land_yx: NDArray[np.bool_] | None) -> NDArray[np.float32]:
        """`raw` with NaN on land.

        Raises:
            InvalidInputError: what is not land holds what cannot be, as it does when the unit is wrong.
        """
        values_Tyx = self.raw(rows)
        if land_yx is not None:
            values_Tyx[:, land_yx] = np.nan
        low, high = (-self.quantity.spread, self.quantity.spread) if self.is_anomaly else self._range
        wrong = (values_Tyx < low) | (values_Tyx > high)
        if wrong.any():
            raise self.part.wrong(self._says_impossible(float(values_Tyx[wrong][0]), low, high), self.variable)
        return values_Tyx

    @property
    def _array(self) -> xr.DataArray:
        return self.part.dataset[self.variable]

    @property
    def _range(self) -> tuple[float, float]:
        return self.quantity.low, self.quantity.high

    def _says_impossible(self, value: float, low: float, high: float) -> str:
        units, what = self.quantity.units, self.quantity.long_name
        kind = "anomaly of " if self.is_anomaly else ""
        hint = "the unit may be wrong (parameter units), or a missing value may not be marked by _FillValue"
        return f"{value:g} {units} is no {kind}{what} ({low:g} to {high:g}): {hint}"


def _width(span: slice) -> int:
    return int(span.stop - span.start)

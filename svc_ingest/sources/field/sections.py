"""A variable in one file, read piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from svc_ingest.sources.field.axes import Axis, Dims
from svc_ingest.sources.field.opening import Part
from svc_ingest.sources.field.times import Times
from svc_ingest.sources.field.units import Conversion

MOST_CHUNK_BYTES = 2**29


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Section:
    """One variable of one file.

    Args:
        part: its file.
        variable: its name there.
        dims: its dimensions.
        level: index on the level axis; None where there is none.
        lat, lon: the wanted part of its axes.
        times: its times, one a row.
        conversion: to the unit it is kept in.
        is_anomaly: it departs from a usual year that is not in the file.
    """

    part: Part
    variable: str
    dims: Dims
    level: int | None
    lat: Axis
    lon: Axis
    times: Times
    conversion: Conversion
    is_anomaly: bool

    @property
    def rows(self) -> int:
        """How many times it has."""
        return len(self.times.days)

    @property
    def cells(self) -> int:
        """How many cells of a map are read, wanted or in between."""
        return _width(self.lat.span) * _width(self.lon.span)

    def pieces(self, maps: int) -> Iterator[slice]:
        """All of its rows, at most so many at once, but one: whole chunks of the file where they fit."""
        chunk = int(self._array.encoding.get("preferred_chunks", {}).get(self.dims.time, 1))
        step = max(1, maps // chunk * chunk or maps)
        return (slice(first, min(self.rows, first + step)) for first in range(0, self.rows, step))

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

    def check_fits(self, other: Section) -> None:
        """Refuse a file that does not go on where another ends: with another grid, or other values.

        Raises:
            InvalidInputError: naming both files.
        """
        for mine, theirs in ((self.lat, other.lat), (self.lon, other.lon)):
            # Archives change from float32 to float64 on the way.
            same = mine.centres.shape == theirs.centres.shape and np.allclose(mine.centres, theirs.centres, atol=1e-4)
            if not same:
                reason = f"has another grid than in {other.part.name}: put both onto one grid"
                raise self.part.wrong(reason, self.variable)
        if self.is_anomaly != other.is_anomaly:
            reason = f"holds anomalies in one of this file and {other.part.name}: say which variable is wanted"
            raise self.part.wrong(reason, self.variable)

    @property
    def _array(self) -> xr.DataArray:
        return self.part.dataset[self.variable]


def _width(span: slice) -> int:
    return int(span.stop - span.start)

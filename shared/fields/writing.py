"""Writes a `field/v1`, a few months at a time."""

# ruff: noqa: N803, N806 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from shared.fields.climatology import MONTHS, monthly_climatology
from shared.fields.layout import EPOCH, FIELD_FOLDER, TIME_UNITS, FieldHeader, climatology_name
from shared.fields.months import months_of_year


class FieldWriter:
    """Makes `field.zarr/` in a folder. Equal content gives equal bytes.

    Args:
        folder: where the version's files lie.
        header: what is to be written.
    """

    def __init__(self, folder: Path, header: FieldHeader) -> None:
        self.header = header
        self._path = folder / FIELD_FOLDER
        self._group = zarr.create_group(self._path, zarr_format=3, attributes=header.attributes(), overwrite=True)
        self._write_axes()
        for channel, units in header.channels.items():
            self._make_channel(channel, units)

    def write(self, channel: str, first: int, values_TYX: NDArray[np.float32]) -> None:
        """Write months from row `first` on; NaN on land and where nothing is known."""
        _array(self._group, channel)[first : first + len(values_TYX)] = values_TYX.astype(np.float32, copy=False)

    def write_climatology(self, channel: str, climatology_MYX: NDArray[np.float32]) -> None:
        """Write the usual year, [12, lat, lon]."""
        _array(self._group, climatology_name(channel))[:] = climatology_MYX.astype(np.float32, copy=False)

    def write_land(self, land_YX: NDArray[np.bool_]) -> None:
        """Write where land is, for a writer that learns it on the way."""
        _array(self._group, "land")[:] = land_YX

    def files(self) -> dict[str, Path]:
        """Path in the version -> file on the disk."""
        found = sorted(path for path in self._path.rglob("*") if path.is_file())
        return {path.relative_to(self._path.parent).as_posix(): path for path in found}

    def _write_axes(self) -> None:
        header = self.header
        days = np.array([(month - EPOCH).days for month in header.months], dtype=np.int32)
        time = {"units": TIME_UNITS, "calendar": "standard", "standard_name": "time", "axis": "T"}
        lat = {"units": "degrees_north", "standard_name": "latitude", "axis": "Y"}
        lon = {"units": "degrees_east", "standard_name": "longitude", "axis": "X"}
        self._put("time", days, ("time",), time)
        self._put("month", np.arange(1, MONTHS + 1, dtype=np.int32), ("month",), {"long_name": "month of the year"})
        self._put("lat", header.lat.astype(np.float64), ("lat",), lat)
        self._put("lon", header.lon.astype(np.float64), ("lon",), lon)
        self._put("land", header.land, ("lat", "lon"), {"long_name": "land, or never known"})

    def _make_channel(self, channel: str, units: str) -> None:
        months, rows, columns = self.header.shape
        chunks = (self.header.months_per_chunk, rows, columns)
        self._make(channel, (months, rows, columns), chunks, ("time", "lat", "lon"), units)
        usual = (MONTHS, rows, columns)
        self._make(climatology_name(channel), usual, usual, ("month", "lat", "lon"), units)

    def _make(
        self, name: str, shape: tuple[int, ...], chunks: tuple[int, ...], dims: tuple[str, ...], units: str
    ) -> None:
        self._group.create_array(
            name,
            shape=shape,
            chunks=chunks,
            dtype="float32",
            fill_value=np.nan,
            dimension_names=dims,
            attributes={"units": units},
        )

    def _put(self, name: str, values: NDArray[Any], dims: tuple[str, ...], attributes: Mapping[str, str]) -> None:
        self._group.create_array(
            name, data=values, chunks=values.shape, dimension_names=dims, attributes=dict(attributes)
        )


def write_field(folder: Path, header: FieldHeader, values: Mapping[str, NDArray[np.float32]]) -> dict[str, Path]:
    """Write a field that fits into memory, with its climatology over the header's base period.

    Args:
        folder: where the version's files lie.
        header: its months, grid, land and channels.
        values: channel -> float32 [months, lat, lon], absolute; anomalies for a channel that came as such.

    Returns:
        Path in the version -> file on the disk.
    """
    writer = FieldWriter(folder, header)
    months_of_year_T = months_of_year(header.months)
    in_base_T = np.array([header.base[0] <= month <= header.base[1] for month in header.months])
    for channel, values_TYX in values.items():
        writer.write(channel, 0, values_TYX)
        usual_MYX = monthly_climatology(values_TYX[in_base_T], months_of_year_T[in_base_T])
        if channel in header.given_as_anomalies:
            usual_MYX = np.zeros_like(usual_MYX)
        writer.write_climatology(channel, usual_MYX)
    return writer.files()


def _array(group: zarr.Group, name: str) -> Any:
    return group[name]

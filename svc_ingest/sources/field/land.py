"""Where a file says that there is land."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from svc_ingest.domain.jobs import StoppedError
from svc_ingest.sources.field.inputs import Input
from svc_ingest.sources.field.parameters import NEVER
from svc_ingest.sources.field.sections import Section

NAMES = {"landmask", "land_mask", "land", "lsm"}
LAND_STANDARD_NAMES = {"land_binary_mask", "land_area_fraction"}
SEA_STANDARD_NAMES = {"sea_binary_mask", "sea_area_fraction"}


def marked_land(source: Input) -> NDArray[np.bool_] | None:
    """Bool [lat, lon] by a mask in the first file, on the same grid: 1, or over half, is land. None without a mask."""
    first = source.sections[0]
    for name, array in first.part.dataset.data_vars.items():
        if set(array.dims) != {first.dims.lat, first.dims.lon}:
            continue
        is_sea = array.attrs.get("standard_name") in SEA_STANDARD_NAMES
        if is_sea or array.attrs.get("standard_name") in LAND_STANDARD_NAMES or str(name).lower() in NAMES:
            share_yx = _cut(first, array)
            return share_yx <= 0.5 if is_sea else share_yx > 0.5
    return None


def cold_land(source: Input, below: float, must_stop: Callable[[], bool]) -> NDArray[np.bool_] | None:
    """Bool [lat, lon]: where the temperature ever lies below. Reads all of it; None if nothing may count as land."""
    if below <= NEVER:
        return None
    if source.is_anomaly:
        raise source.wrong("holds anomalies, so that land_below=... would take cold months for land")
    lowest_yx = np.full((len(source.lat.centres), len(source.lon.centres)), np.inf, dtype=np.float32)
    for rows in source.pieces():
        if must_stop():
            raise StoppedError("stopped while the file was read")
        lowest_yx = np.fmin(lowest_yx, np.fmin.reduce(source.raw(rows), axis=0))
    return np.asarray(lowest_yx < below)


def either(one: NDArray[np.bool_] | None, other: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    """Land by one or the other."""
    if one is None or other is None:
        return other if one is None else one
    return one | other


def _cut(source: Section, mask: xr.DataArray) -> NDArray[np.float64]:
    dims = source.dims
    part = mask.isel({dims.lat: source.lat.span, dims.lon: source.lon.span}).transpose(dims.lat, dims.lon)
    return np.asarray(part.values, dtype=np.float64)[source.lat.order][:, source.lon.order]

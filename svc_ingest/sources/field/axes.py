"""Where a variable's values lie: which dimension is which, in what order, and what of it is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cf_xarray  # noqa: F401 - gives datasets their `cf`
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from svc_ingest.sources.field.opening import Part
from svc_ingest.sources.field.parameters import FieldParameters

# Of one map; 1/12 degree over the globe has 9 million.
MOST_CELLS = 2**25
MOST_TIMES = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Dims:
    """Names of a variable's dimensions; `level` is empty where there is none."""

    time: str
    lat: str
    lon: str
    level: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Axis:
    """The wanted part of one axis, ascending.

    Args:
        centres: degrees.
        span: what is read of the file's axis.
        order: how what is read is put into order.
    """

    centres: NDArray[np.float64]
    span: slice
    order: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    """The wanted degrees of one axis, and the parameters' name for it."""

    name: str
    low: float
    high: float


def dims_of(part: Part, variable: str) -> Dims:
    """Which dimension is which.

    Raises:
        InvalidInputError: time, latitude or longitude is missing, or not an axis.
    """
    array = part.dataset[variable]
    roles = _roles(part.dataset)
    found = {role: [str(dim) for dim in array.dims if dim in names] for role, names in roles.items()}
    for role in ("time", "latitude", "longitude"):
        if len(found[role]) != 1:
            raise part.wrong(_says_no(role, array, roles), variable)
    rest = [str(dim) for dim in array.dims if not any(dim in names for names in found.values())]
    if len(rest) > 1:
        raise part.wrong(f"has the dimensions {', '.join(rest)} beside time, latitude and longitude", variable)
    dims = Dims(
        time=found["time"][0], lat=found["latitude"][0], lon=found["longitude"][0], level=rest[0] if rest else ""
    )
    if array.sizes[dims.lat] * array.sizes[dims.lon] > MOST_CELLS:
        raise part.wrong(f"a map has over {MOST_CELLS} cells: cut or coarsen it first", variable)
    if max(array.sizes[dims.time], array.sizes.get(dims.level, 1)) > MOST_TIMES:
        raise part.wrong(f"has {array.sizes[dims.time]} times; at most {MOST_TIMES}, and so many levels", variable)
    if min(array.shape) == 0:
        raise part.wrong("is empty", variable)
    return dims


def latitude_axis(part: Part, name: str, parameters: FieldParameters) -> Axis:
    """Latitudes from `lat_min` to `lat_max`, with a margin to interpolate from, from south to north."""
    centres = _centres(part, name)
    if not np.abs(centres).max() <= 90.001:
        raise part.wrong("is no latitude: it leaves -90 to 90", name)
    return _axis(part, name, centres, _Box(name="lat", low=parameters.lat_min, high=parameters.lat_max), parameters)


def longitude_axis(part: Part, name: str, parameters: FieldParameters) -> Axis:
    """Longitudes from `lon_min` to `lon_max`, with a margin to interpolate from, eastward from 0 to 360."""
    # Float32 has no 359.99999 between -1e-5 and 0: rounding keeps such a centre at 0.
    given = np.round(_centres(part, name), 6)
    # A grid that goes round the earth may have its first meridian twice, as 0 and as 360.
    is_closed = len(given) > 2 and abs(given[-1] - given[0]) == 360
    centres = (given[:-1] if is_closed else given) % 360
    return _axis(part, name, centres, _Box(name="lon", low=parameters.lon_min, high=parameters.lon_max), parameters)


def _axis(part: Part, name: str, centres: NDArray[np.float64], box: _Box, parameters: FieldParameters) -> Axis:
    order = np.argsort(centres, kind="stable")
    ascending = centres[order]
    steps = np.diff(ascending)
    if len(centres) < 2 or not (steps > 0).all():
        raise part.wrong("must have two centres or more, each once", name)
    margin = max(float(np.median(steps)), parameters.resolution)
    wanted = order[(ascending >= box.low - margin) & (ascending <= box.high + margin)]
    inside = (ascending >= box.low) & (ascending <= box.high)
    if inside.sum() < 2:
        span = f"{ascending[0]:g} to {ascending[-1]:g}"
        reason = f"has fewer than two centres within {box.low:g} to {box.high:g} (it has {span}): choose other values"
        raise part.wrong(f"{reason} of {box.name}_min and {box.name}_max", name)
    first = int(wanted.min())
    return Axis(centres=centres[wanted], span=slice(first, int(wanted.max()) + 1), order=wanted - first)


def _centres(part: Part, name: str) -> NDArray[np.float64]:
    centres = np.asarray(part.dataset[name].values, dtype=np.float64)
    if not np.isfinite(centres).all():
        raise part.wrong("holds a missing value", name)
    return centres


def _roles(dataset: xr.Dataset) -> dict[str, set[Any]]:
    """Role -> names of variables that have it."""
    known = dataset.cf.guess_coord_axis().cf
    roles = {role: set(known.coordinates.get(role, ())) for role in ("time", "latitude", "longitude")}
    for role, axis in (("time", "T"), ("latitude", "Y"), ("longitude", "X")):
        roles[role] |= set(known.axes.get(axis, ()))
    roles["time"] |= {name for name, array in dataset.variables.items() if " since " in str(array.attrs.get("units"))}
    return roles


def _says_no(role: str, array: xr.DataArray, roles: dict[str, set[Any]]) -> str:
    dims = ", ".join(f"{dim} ({size})" for dim, size in array.sizes.items()) or "none"
    if any(set(array.coords[name].dims) - {name} for name in roles[role] & set(array.coords)):
        return f"{role} is no axis of the dimensions {dims}: put it onto a grid of latitudes by longitudes first"
    hint = " with units such as 'days since 1900-01-01'" if role == "time" else ""
    return f"has no {role} among its dimensions: {dims}; needed is an axis of {role}{hint}"

"""Forecasts as files: NetCDF with CF attributes, or an `.npz` of plain arrays."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from upwell.cli.output import version_name
from upwell.errors import ToolError
from upwell.infer.v1 import forecast_pb2

NETCDF, ARRAYS = ".nc", ".npz"
STANDARD_NAMES = {"sst": "sea_surface_temperature_anomaly"}
COMPRESSED = {"zlib": True, "complevel": 4}


def check_file(path: Path) -> None:
    """Fail early: before anything is asked of a service.

    Raises:
        ToolError: the file's name has no known ending, or what writes it is not installed.
    """
    if path.suffix.lower() not in (NETCDF, ARRAYS):
        raise ToolError(f"{path} has no known ending: use one of {NETCDF}, {ARRAYS}.")
    for name in ("numpy", "xarray", "netCDF4") if path.suffix.lower() == NETCDF else ("numpy",):
        _library(name)


def save_forecast(answer: forecast_pb2.ForecastResponse, path: Path) -> None:
    """Write the fields and the indices of a forecast.

    Raises:
        ToolError: the file cannot be written.
    """
    try:
        if path.suffix.lower() == NETCDF:
            _write_netcdf(answer, path)
        else:
            _write_arrays(answer, path)
    except OSError as error:
        raise ToolError(f"{path} cannot be written: {error.strerror or error}.") from error


def _write_netcdf(answer: forecast_pb2.ForecastResponse, path: Path) -> None:
    numpy, xarray = _library("numpy"), _library("xarray")
    fields, values = answer.fields, _values(answer.fields)
    variables: dict[str, Any] = {}
    for number, channel in enumerate(fields.channels):
        attributes = {"long_name": f"anomaly of {channel}", "units": _said(fields.units, number)}
        base = _said(fields.bases, number)
        attributes |= {"base_period": base} if base else {}
        attributes |= {"standard_name": STANDARD_NAMES[channel]} if channel in STANDARD_NAMES else {}
        variables[channel] = (("time", "lat", "lon"), values[:, number], attributes)
    for index in answer.nino:
        variables[index.name] = ("time", list(index.values), {"units": "degC"})
        if index.rmse:
            error = {"units": "degC", "long_name": "root mean square error in the months held out"}
            variables[f"{index.name}_rmse"] = ("time", list(index.rmse), error)
    coordinates = {
        "time": numpy.array([f"{month}-01" for month in fields.months], dtype="datetime64[ns]"),
        "lat": ("lat", list(fields.latitudes), {"units": "degrees_north", "standard_name": "latitude"}),
        "lon": ("lon", list(fields.longitudes), {"units": "degrees_east", "standard_name": "longitude"}),
    }
    attributes = {"Conventions": "CF-1.11", **_origin(answer)}
    encoding = dict.fromkeys(fields.channels, COMPRESSED)
    xarray.Dataset(variables, coordinates, attributes).to_netcdf(path, engine="netcdf4", encoding=encoding)


def _write_arrays(answer: forecast_pb2.ForecastResponse, path: Path) -> None:
    numpy, fields = _library("numpy"), answer.fields
    arrays = {
        "values": _values(fields),
        "channels": numpy.array(list(fields.channels), dtype=str),
        "units": numpy.array(list(fields.units), dtype=str),
        "bases": numpy.array(list(fields.bases), dtype=str),
        "lat": numpy.array(fields.latitudes),
        "lon": numpy.array(fields.longitudes),
        "months": numpy.array(list(fields.months), dtype=str),
        **{index.name: numpy.array(index.values) for index in answer.nino},
        **{f"{index.name}_rmse": numpy.array(index.rmse) for index in answer.nino if index.rmse},
        **{name: numpy.array(said) for name, said in _origin(answer).items()},
    }
    # By a file: to a path that ends with .NPZ another ending is added.
    with path.open("wb") as file:
        numpy.savez_compressed(file, allow_pickle=False, **arrays)


def _values(fields: forecast_pb2.Fields) -> Any:
    """Float32 [months, channels, lat, lon]."""
    shape = (len(fields.months), len(fields.channels), len(fields.latitudes), len(fields.longitudes))
    return _library("numpy").array(fields.values, dtype="float32").reshape(shape)


def _origin(answer: forecast_pb2.ForecastResponse) -> dict[str, str]:
    return {
        "model": version_name(answer.model),
        "dataset": version_name(answer.dataset),
        "last_month": answer.history_months[-1],
    }


def _said(values: Any, number: int) -> str:
    """What is said of a channel; empty where nothing is."""
    return values[number] if number < len(values) else ""


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ToolError(f"{error.name} is not installed: run `pip install 'upwell[fields]'`.") from error

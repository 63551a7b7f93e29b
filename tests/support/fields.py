"""Small gridded files for tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

LAT, LON = np.arange(-9.0, 10, 2), np.arange(190.0, 243, 4)
LAND = np.zeros((len(LAT), len(LON)), dtype=bool)
LAND[0, :2] = True


def months(count: int = 24, start: str = "2000-01-01") -> pd.DatetimeIndex:
    return pd.date_range(start, periods=count, freq="MS", unit="ns")


def temperatures(times: pd.DatetimeIndex, seed: int = 0) -> np.ndarray:
    """A usual year, a gradient from the equator, and noise; NaN on land."""
    season = 2 * np.sin(2 * np.pi * (times.month.to_numpy() - 1) / 12)
    noise = np.random.default_rng(seed).normal(0, 0.5, (len(times), len(LAT), len(LON)))
    values = 27 + season[:, None, None] - 0.1 * np.abs(LAT)[None, :, None] + noise
    return np.where(LAND, np.nan, values).astype(np.float32)


def sst_dataset(times: pd.DatetimeIndex | None = None, **attributes: Any) -> xr.Dataset:
    times = months() if times is None else times
    known = {"units": "degC", "standard_name": "sea_surface_temperature"} | attributes
    array = xr.DataArray(
        temperatures(times), dims=("time", "lat", "lon"), coords={"time": times, "lat": LAT, "lon": LON}, attrs=known
    )
    return array.to_dataset(name="temp")


def wind_dataset(times: pd.DatetimeIndex | None = None) -> xr.Dataset:
    times = months() if times is None else times
    rng = np.random.default_rng(5)
    coords = {"time": times, "lat": LAT, "lon": LON}
    return xr.Dataset(
        {
            name: xr.DataArray(
                rng.normal(-4, 3, (len(times), len(LAT), len(LON))).astype(np.float32),
                dims=("time", "lat", "lon"),
                coords=coords,
                attrs={"units": "m s-1"},
            )
            for name in ("uwnd", "vwnd")
        }
    )

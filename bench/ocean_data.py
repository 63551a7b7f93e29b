"""Observed fields of the tropical Pacific for the studies of `geoformer`: temperature, older anomalies, wind stress."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np
import xarray as xr

from shared.contracts.canonical import digest_of
from shared.fields.channels import UNITS
from shared.fields.layout import FieldHeader
from shared.fields.writing import write_field
from svc_ingest.sources.field.stress import stress_of
from svc_train.recipes.base import DatasetSource

TEMPERATURE, EARLIER, WINDS = (
    "oisst_pacific_1deg_198201_201012.nc",
    "sst_anom_pacific_2deg_197001_200303.nc",
    "fnoc_winds_40S40N_2p5deg_198201_199012.nc",
)
FIRST, BEFORE_FIRST, LAST_TO_LEARN = 1982, "1981-12", "2004-12"
# No sea of the tropical Pacific is as cold: this file holds land as 0 or little more.
LAND_BELOW = 15.0


def temperature(folder: Path, cells: int) -> xr.DataArray:
    """OISST, land as NaN, means of `cells` x `cells` boxes, as anomalies of 1982 to 2004."""
    sst = xr.open_dataset(folder / TEMPERATURE)["sst"]
    sst = sst.where((sst >= LAND_BELOW).all("time"))
    if cells > 1:
        sst = sst.coarsen(lat=cells, lon=cells, boundary="trim").mean()
    return departures(sst, sst)


def departures(values: xr.DataArray, usual: xr.DataArray) -> xr.DataArray:
    """What departs from the usual year of 1982 to 2004."""
    base = usual.sel(time=slice(f"{FIRST}-01", LAST_TO_LEARN))
    return values.groupby("time.month") - base.groupby("time.month").mean()


def earlier(sst: xr.DataArray, folder: Path, last: str) -> xr.DataArray:
    """Older anomalies of 2 degrees from 1970 to the month `last`, on the same grid, brought to the same base.

    They are shifted, month by month of the year, so that both sources mean the same over 1982 to 2002.
    """
    source = xr.open_dataset(folder / EARLIER)
    older = source["sst_anom"].where(source["landmask"] == 0).interp(lat=sst["lat"], lon=sst["lon"])
    both = slice(f"{FIRST}-01", "2002-12")
    gap = (sst.sel(time=both) - older.sel(time=both)).groupby("time.month").mean()
    front = (older.groupby("time.month") + gap).sel(time=slice(None, last))
    # Coasts that only the finer source resolves: nothing is known of them, so nothing is claimed.
    front = front.where(~(front.isnull() & sst.notnull().all("time")), 0.0)
    return front.where(sst.notnull().any("time"))


def with_earlier(sst: xr.DataArray, folder: Path) -> xr.DataArray:
    """With 1970 to 1981 put in front."""
    return xr.concat([earlier(sst, folder, BEFORE_FIRST), sst], "time").drop_vars("month", errors="ignore")


def wind_stress(folder: Path, like: xr.DataArray) -> dict[str, xr.DataArray]:
    """Anomalies of wind stress by the bulk formula, NaN for the years without winds."""
    winds = xr.open_dataset(folder / WINDS)
    found = {}
    for name, component in (("taux", "uwnd"), ("tauy", "vwnd")):
        on_their_grid = xr.apply_ufunc(stress_of, winds[component], winds["uwnd"], winds["vwnd"])
        stress = on_their_grid.interp(lat=like["lat"], lon=like["lon"])
        found[name] = departures(stress, stress).reindex(time=like["time"]).where(like.notnull().any("time"))
    return found


def write(folder: Path, fields: Mapping[str, xr.DataArray]) -> DatasetSource:
    """A `field/v1` of anomalies."""
    first = next(iter(fields.values()))
    months = tuple(date(int(t.year), int(t.month), 1) for t in first.indexes["time"])
    header = FieldHeader(
        channels={name: UNITS[name] for name in fields},
        months=months,
        lat=first["lat"].to_numpy().astype(np.float64),
        lon=first["lon"].to_numpy().astype(np.float64),
        land=first.isnull().all("time").to_numpy(),
        base=(date(FIRST, 1, 1), date(2004, 12, 1)),
        given_as_anomalies=tuple(fields),
    )
    values = {
        name: field.transpose("time", "lat", "lon").to_numpy().astype(np.float32) for name, field in fields.items()
    }
    write_field(folder, header, values)
    return DatasetSource(name="ocean", digest=digest_of(header.to_meta()), folder=folder)

"""What is refused: one error each, which names the file in a zip and the variable, and says what to do."""

from __future__ import annotations

import json
import re
import zipfile

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from shared.errors import InvalidInputError
from svc_ingest.sources import zips
from svc_ingest.sources.field import axes, sections
from tests.support.fields import LAT, LON, months, sst_dataset, wind_dataset


def without_time() -> xr.Dataset:
    return sst_dataset().isel(time=0, drop=True)


def with_times(units: str, calendar: str = "standard", values=None) -> xr.Dataset:
    dataset = sst_dataset()
    values = np.arange(24) * 30 if values is None else values
    return dataset.assign_coords(time=("time", values, {"units": units, "calendar": calendar}))


def with_missing_month() -> xr.Dataset:
    dataset = sst_dataset()
    dataset["temp"][4] = dataset["temp"][17] = np.nan
    return dataset


def on_a_curved_grid() -> xr.Dataset:
    lat, lon = np.meshgrid(LAT, LON, indexing="ij")
    plain = sst_dataset().rename(lat="j", lon="i").drop_vars(["i", "j"])
    attributes = {"units": "degrees_north", "standard_name": "latitude"}
    return plain.assign_coords(
        lat=(("j", "i"), lat, attributes),
        lon=(("j", "i"), lon, {"units": "degrees_east", "standard_name": "longitude"}),
    )


def with_repeated_latitude() -> xr.Dataset:
    return sst_dataset().assign_coords(lat=[*LAT[:-1], LAT[-2]])


def with_levels() -> xr.Dataset:
    return xr.concat([sst_dataset(), sst_dataset()], dim=pd.Index([0.0, 100.0], name="depth"))


def with_two_temperatures() -> xr.Dataset:
    return sst_dataset().assign(other=sst_dataset()["temp"])


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        (
            without_time(),
            r"variable 'temp': has no time among its dimensions: lat \(10\), lon \(14\); needed is an axis",
        ),
        (with_times("days since 2000-01-01", "360_day"), "variable 'time': the calendar '360_day' is refused: convert"),
        (with_times("months"), "variable 'time': the time has the units 'months'; needed is such as 'days since"),
        (
            with_times("months since 2000-01-01", values=np.arange(24) + 0.3),
            "variable 'time': 0.3 months since 2000-01-01 is neither a whole month nor a half: give days",
        ),
        (
            with_times("months since 1960-01-16", values=np.arange(24) + 480.5),
            "'time': 480.5 months since 1960-01-16 is no day of a month, as that is not the first of one: give days",
        ),
        (
            with_times("months since 0001-01-01", values=np.arange(24) - 30),
            "variable 'time': the units 'months since .* cannot be read as times .*; a climatology without years",
        ),
        (
            with_times("months since soon", values=np.arange(24)),
            "the units 'months since soon' cannot be read as times",
        ),
        (with_times("months since 2000-01-01", values=np.arange(24) % 7), "'time': time 8 of 24 is not later than"),
        (with_times("hours since 0000-01-01"), "variable 'time': .*a climatology without years is no field"),
        (
            with_times("days since 2000-01-01", values=np.arange(24) * -30),
            "variable 'time': time 2 of 24 is not later than",
        ),
        (
            with_times("days since 2000-01-01", values=np.arange(24) * 29),
            "'time': these months come twice: 2000-01, 2001-09",
        ),
        (sst_dataset(units=""), "variable 'temp': has no units: say units='sst=degC'"),
        (sst_dataset(units="Pa"), "variable 'temp': the unit 'Pa' cannot be converted to 'degC': say the right one"),
        (sst_dataset(units="warmth"), "variable 'temp': the unit 'warmth' is no unit"),
        (sst_dataset(units="K"), "variable 'temp': -24.* degC is no sea-surface temperature .* the unit may be wrong"),
        (sst_dataset(standard_name=""), "no variable is known by its standard name or name: say .*there are: temp"),
        (sst_dataset(months().delete([3, 8])), "'temp': these months are missing or hardly observed: 2000-04, 2000-09"),
        (with_missing_month(), "'temp': nothing is known of 2000-05, 2001-06; gaps='missing'"),
        (on_a_curved_grid(), "'temp': latitude is no axis of the dimensions .* put it onto a grid"),
        (with_repeated_latitude(), "variable 'lat': must have two centres or more, each once"),
        (sst_dataset().assign_coords(lat=LAT * 20), "variable 'lat': is no latitude"),
        (
            sst_dataset().assign_coords(lon=LON - 180),
            r"'lon': has fewer than two centres within 120 to 290 .*: choose other values of lon_min and lon_max",
        ),
        (with_levels(), "'temp': has levels on depth: name one as temp@LEVEL, of 0, 100"),
        (with_two_temperatures(), "sst could be 'temp' or 'other': say which by variables='sst=...'"),
        (wind_dataset()[["uwnd"]], "wind stress needs u and v, and v is missing"),
        (sst_dataset(months(8)), "sst has no month 9, 10, 11, 12 of the year within the base period"),
    ],
)
def test_a_file_is_refused(save, make, dataset, said) -> None:
    with pytest.raises(InvalidInputError, match=said) as error:
        make(save(dataset))
    assert len(error.value.violations) == 1


@pytest.mark.parametrize("calendar", ["360_day", "julian", "all_leap"])
def test_what_to_do_about_a_calendar_helps(save, make, calendar) -> None:
    path = save(with_times("days since 2000-01-01", calendar, np.arange(24) * 30.4375 + 15))
    with pytest.raises(InvalidInputError, match=f"the calendar {calendar!r} is refused: convert it, .*") as error:
        make(path)
    [said] = re.findall(r"convert_calendar\('(\w+)', align_on='(\w+)'\)", str(error.value))
    with xr.open_dataset(path, decode_times=xr.coders.CFDatetimeCoder(use_cftime=True)) as refused:
        made = make(save(refused.convert_calendar(said[0], align_on=said[1]), "converted.nc"))
    assert (made.meta["start"], made.meta["end"], made.rows) == ("2000-01", "2001-12", 24)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"variables": "sst"}, "parameters.variables: 'sst': write channel=value"),
        ({"variables": "sst=tos"}, "parameters.variables: no file has 'tos'; there are: temp"),
        ({"variables": "warmth=temp"}, "'warmth' is no channel: use sst, taux"),
        ({"variables": "sst=temp@5"}, "'temp': has no levels, and @5 names one"),
        ({"units": "taux=Pa"}, "parameters.units: taux: not one of the channels sst"),
        ({"base_start": "1990"}, "the base period 1990-01 to 2001-12 must lie within 2000-01 to 2001-12"),
        ({"base_end": "soon"}, "parameters.base_end: 'soon' is no month"),
        ({"lat_min": 5, "lat_max": 5}, "parameters.lat_min: must be less than lat_max"),
        ({"resolution": 19}, "parameters.resolution: leaves 0 centres of lat|leaves 1 centres of lat"),
        (
            {"anomalies": "sst"},
            "'temp': counts as anomalies, but sst has 2.* degC; a month's anomaly lies within -15 to 15. .*do not call",
        ),
        ({"anomalies": "sst", "land_below": 5}, "holds anomalies|is no anomaly"),
        ({"gaps": "fill"}, "parameters.gaps"),
    ],
)
def test_a_parameter_is_refused(save, make, parameters, said) -> None:
    with pytest.raises(InvalidInputError, match=said):
        make(save(sst_dataset()), **parameters)


@pytest.mark.parametrize("form", ["NETCDF3_CLASSIC", "NETCDF4"])
def test_a_truncated_file_is_refused(save, make, form) -> None:
    path = save(sst_dataset(), format=form)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(InvalidInputError, match=r"cannot be read|may be damaged"):
        make(path)


@pytest.mark.parametrize("content", [b"", b"time,value\n1,2\n", b"CDF\x01", b"\x89HDF\r\n\x1a\n"])
def test_what_is_no_netcdf_is_refused(tmp_path, make, content) -> None:
    path = tmp_path / "x.nc"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=r"is neither NetCDF nor a zip|cannot be read as NetCDF"):
        make(path)


def test_the_file_in_a_zip_is_named(save, tmp_path, make) -> None:
    save(sst_dataset(), "sst.nc")
    save(sst_dataset(units="Pa", standard_name="eastward_wind"), "wind.nc")
    with zipfile.ZipFile(tmp_path / "z.nc.zip", "w") as archive:
        archive.write(tmp_path / "sst.nc", "sst.nc")
        archive.write(tmp_path / "wind.nc", "in/wind.nc")
    with pytest.raises(InvalidInputError, match=r"file: in/wind\.nc: variable 'temp': the unit 'Pa' cannot be"):
        make(tmp_path / "z.nc.zip")
    with zipfile.ZipFile(tmp_path / "z.nc.zip", "w") as archive:
        archive.writestr("bad.nc", b"text")
    with pytest.raises(InvalidInputError, match=r"file: bad\.nc: is neither NetCDF"):
        make(tmp_path / "z.nc.zip")
    with zipfile.ZipFile(tmp_path / "z.nc.zip", "w") as archive:
        archive.writestr("readme.txt", b"text")
    with pytest.raises(InvalidInputError, match="the zip holds 0 NetCDF files"):
        make(tmp_path / "z.nc.zip")


def test_a_zip_that_unpacks_to_far_more_is_refused(tmp_path, make, monkeypatch) -> None:
    monkeypatch.setattr(zips, "SLACK_BYTES", 0)
    path = tmp_path / "bomb.nc.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.nc", bytes(2**20))
    with pytest.raises(InvalidInputError, match="over 200 times as much"):
        make(path)
    assert not (tmp_path / "version/parts").exists()


def test_a_damaged_zip_is_refused(save, tmp_path, make) -> None:
    path = tmp_path / "z.nc.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(save(sst_dataset()), "sst.nc")
    content = bytearray(path.read_bytes())
    content[5000:5100] = b"\xff" * 100
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=r"sst\.nc: cannot be unpacked"):
        make(path)


def zarr_with(tmp_path, change) -> object:
    """A zipped store whose metadata of the variable was changed."""
    sst_dataset().to_zarr(tmp_path / "store", zarr_format=2, consolidated=False)
    metadata = tmp_path / "store/temp/.zarray"
    metadata.write_text(json.dumps(json.loads(metadata.read_text()) | change))
    path = tmp_path / "z.zarr.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted((tmp_path / "store").rglob("*")):
            archive.write(file, file.relative_to(tmp_path / "store"))
    return path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"filters": [{"id": "pickle", "protocol": 5}]}, r"temp/\.zarray: codec 'pickle' is refused"),
        ({"chunks": [10**6, 10**3, 10**3]}, r"temp/\.zarray: a chunk takes \d+ bytes"),
        ({"shape": [24, 10, 20]}, "cannot be read as a Zarr store"),
    ],
)
def test_a_zarr_store_is_refused(tmp_path, make, change, said) -> None:
    with pytest.raises(InvalidInputError, match=said):
        make(zarr_with(tmp_path, change))


def test_a_zip_that_is_packed_in_an_unusual_way_is_refused(save, make, tmp_path) -> None:
    path = tmp_path / "fields.nc.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.write(save(sst_dataset()), "fields.nc")
    with pytest.raises(InvalidInputError, match=r"fields\.nc is packed by an unusual method: zip it by deflate"):
        make(path)


def test_a_threshold_of_land_needs_the_sea(save, make) -> None:
    with pytest.raises(InvalidInputError, match="needs the channel sst; there are u, v"):
        make(save(wind_dataset()), land_below=15)


def test_maps_and_times_without_end_are_refused(save, make, monkeypatch) -> None:
    path = save(sst_dataset())
    monkeypatch.setattr(axes, "MOST_CELLS", 100)
    with pytest.raises(InvalidInputError, match="'temp': a map has over 100 cells"):
        make(path)
    monkeypatch.undo()
    monkeypatch.setattr(axes, "MOST_TIMES", 20)
    with pytest.raises(InvalidInputError, match="'temp': has 24 times; at most 20"):
        make(path)
    monkeypatch.undo()
    monkeypatch.setattr(sections, "MOST_CHUNK_BYTES", 1000)
    with pytest.raises(InvalidInputError, match=r"'temp': a chunk takes \d+ bytes; at most 1000: rechunk it"):
        make(save(sst_dataset(), "c.nc", encoding={"temp": {"chunksizes": (24, 10, 14)}}))

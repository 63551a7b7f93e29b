from __future__ import annotations

import zipfile
from datetime import date
from pathlib import Path

import iris_sample_data
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from shared.contracts.kinds import Kind
from shared.fields.nino import nino_indices
from svc_ingest.adapters.reader import SourceReader
from svc_ingest.domain.jobs import IngestJob, Origin, StoppedError
from svc_ingest.domain.options import ReadOptions
from svc_ingest.sources.base import source_for_path
from svc_ingest.sources.field import inputs
from tests.support.fields import LAND, LAT, LON, months, sst_dataset, temperatures, wind_dataset

OSTIA = Path(iris_sample_data.path) / "ostia_monthly.nc"


def zipped(target: Path, *files: Path) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.name)
    return target


def zipped_zarr(dataset: xr.Dataset, target: Path, *, version: int, group: str = "") -> Path:
    folder = target.parent / "store"
    dataset.to_zarr(folder / group, zarr_format=version, consolidated=False)
    with zipfile.ZipFile(target, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder))
    return target


def test_a_file_becomes_its_months_grid_and_land(save, ingest) -> None:
    fields = ingest(save(sst_dataset()))
    assert fields.channels == ("sst",)
    assert fields.units == {"sst": "degC"}
    assert (fields.months[0], fields.months[-1]) == (date(2000, 1, 1), date(2001, 12, 1))
    assert fields.base == (date(2000, 1, 1), date(2001, 12, 1))
    np.testing.assert_array_equal(fields.lat, LAT)
    np.testing.assert_array_equal(fields.lon, LON)
    np.testing.assert_array_equal(fields.land, LAND)
    np.testing.assert_array_equal(fields.values("sst"), temperatures(months()))
    usual = temperatures(months()).reshape(2, 12, len(LAT), len(LON)).mean(axis=0)
    np.testing.assert_allclose(fields.climatology("sst"), usual, rtol=1e-6)


@pytest.mark.parametrize(
    ("units", "calendar", "first"),
    [
        ("months since 1960-01-01", "standard", 480),
        ("months since 1960-01-01", "360", 480.5),
        ("Month since 2010-03-15 00:00:00", "360_day", -122),
        ("months since 2000-01-01T00:00", "noleap", 0.5),
    ],
)
def test_months_since_a_day_are_counted(save, ingest, units, calendar, first) -> None:
    plain = ingest(save(sst_dataset()))
    times = ("time", first + np.arange(24.0), {"units": units, "calendar": calendar})
    fields = ingest(save(sst_dataset().assign_coords(time=times), "counted.nc"))
    assert fields.months == plain.months
    np.testing.assert_array_equal(fields.values("sst"), plain.values("sst"))


def test_its_facts_and_files(save, make) -> None:
    made = make(save(sst_dataset()))
    assert (made.kind, made.rows) == (Kind.FIELD, 24)
    assert made.meta["channels"] == [{"name": "sst", "units": "degC"}]
    assert made.meta["land_share"] == pytest.approx(LAND.mean(), abs=1e-6)
    assert made.meta["indices"] == ["nino34"]
    assert "field.zarr/zarr.json" in made.files
    assert all(file.is_file() for file in made.files.values())


def test_kelvin_south_first_or_eastward_from_greenwich_makes_no_difference(save, ingest) -> None:
    plain = ingest(save(sst_dataset())).values("sst")
    kelvin = sst_dataset(units="K")
    kelvin["temp"] += np.float32(273.15)
    np.testing.assert_allclose(ingest(save(kelvin, "k.nc")).values("sst"), plain, atol=1e-4)
    descending = sst_dataset().isel(lat=slice(None, None, -1))
    np.testing.assert_array_equal(ingest(save(descending, "d.nc")).values("sst"), plain)
    west = sst_dataset().assign_coords(lon=LON - 360)
    np.testing.assert_array_equal(ingest(save(west, "w.nc")).values("sst"), plain)


def test_longitudes_that_wrap_within_the_file_are_put_in_order(save, ingest) -> None:
    rolled = sst_dataset().roll(lon=5, roll_coords=True)
    fields = ingest(save(rolled))
    np.testing.assert_array_equal(fields.lon, LON)
    np.testing.assert_array_equal(fields.values("sst"), temperatures(months()))


def test_the_first_meridian_may_stand_at_both_ends(save, ingest) -> None:
    around = sst_dataset().interp(lon=np.arange(0.0, 361.0, 10.0), kwargs={"fill_value": "extrapolate"})
    around = around.where(around.lon != 360, around.isel(lon=0))
    around["temp"] = around["temp"].clip(20, 30).astype(np.float32).assign_attrs(sst_dataset()["temp"].attrs)
    fields = ingest(save(around), lon_min=0, lon_max=360)
    np.testing.assert_array_equal(fields.lon, np.arange(0.0, 360.0, 10.0))


@pytest.mark.parametrize("form", ["NETCDF3_CLASSIC", "NETCDF3_64BIT", "NETCDF4"])
def test_every_form_of_netcdf(save, ingest, form) -> None:
    fields = ingest(save(sst_dataset(), format=form))
    np.testing.assert_array_equal(fields.values("sst"), temperatures(months()))


@pytest.mark.parametrize(("version", "group"), [(2, ""), (3, ""), (3, "fields.zarr")])
def test_a_zipped_zarr_store(tmp_path, ingest, version, group) -> None:
    fields = ingest(zipped_zarr(sst_dataset(), tmp_path / "f.zarr.zip", version=version, group=group))
    np.testing.assert_array_equal(fields.values("sst"), temperatures(months()))


def test_packed_integers_are_unpacked(save, ingest) -> None:
    packing = {"dtype": "int16", "scale_factor": 0.01, "add_offset": 20.0, "_FillValue": -9999}
    fields = ingest(save(sst_dataset(), encoding={"temp": packing}))
    np.testing.assert_allclose(fields.values("sst"), temperatures(months()), atol=0.006)
    np.testing.assert_array_equal(fields.land, LAND)


def test_equal_content_gives_equal_bytes_in_pieces_of_any_size(save, make, monkeypatch) -> None:
    path = save(sst_dataset())
    whole = {name: file.read_bytes() for name, file in make(path).files.items()}
    monkeypatch.setattr(inputs, "PIECE_BYTES", 8 * 5 * len(LAT) * len(LON))
    assert {name: file.read_bytes() for name, file in make(path).files.items()} == whole


def test_days_become_monthly_means(save, ingest, monkeypatch) -> None:
    days = pd.date_range("2000-01-01", "2000-12-31", freq="D", unit="ns")
    dataset = sst_dataset(days)
    expected = dataset["temp"].resample(time="MS").mean().to_numpy()
    path = save(dataset)
    np.testing.assert_allclose(ingest(path).values("sst"), expected, rtol=1e-6)
    monkeypatch.setattr(inputs, "PIECE_BYTES", 8 * 17 * len(LAT) * len(LON))
    np.testing.assert_allclose(ingest(path).values("sst"), expected, rtol=1e-6)


def test_a_month_at_the_end_that_is_hardly_observed_is_left_out(save, ingest) -> None:
    days = pd.date_range("2000-01-01", "2001-01-10", freq="D", unit="ns")
    assert ingest(save(sst_dataset(days))).months[-1] == date(2000, 12, 1)


def test_a_gap_is_kept_as_missing_where_that_is_asked_for(save, ingest) -> None:
    times = months().delete(14)
    fields = ingest(save(sst_dataset(times)), gaps="missing")
    assert len(fields.months) == 24
    assert np.isnan(fields.values("sst", 14, 15)).all()
    np.testing.assert_array_equal(fields.values("sst", 15), temperatures(times)[14:])


def test_the_base_period_is_recorded_and_used(save, ingest) -> None:
    fields = ingest(save(sst_dataset()), base_start="2001", base_end="2001")
    assert fields.base == (date(2001, 1, 1), date(2001, 12, 1))
    np.testing.assert_array_equal(fields.climatology("sst"), temperatures(months())[12:])


def test_anomalies_are_known_and_kept(save, ingest) -> None:
    dataset = (sst_dataset(long_name="SST anomaly") - 27).assign_attrs({})
    dataset["temp"].attrs = {"units": "K", "long_name": "SST anomaly", "standard_name": "surface_temperature"}
    fields = ingest(save(dataset))
    np.testing.assert_array_equal(fields.anomalies("sst"), dataset["temp"].to_numpy())
    assert fields.given_as_anomalies == ("sst",)
    dataset["temp"].attrs["long_name"] = "departure"
    assert ingest(save(dataset, "b.nc"), anomalies="sst").given_as_anomalies == ("sst",)


def test_anomalies_of_a_day_go_further_than_those_of_a_month(save, ingest) -> None:
    days = pd.date_range("2000-01-01", "2000-12-31", unit="ns")
    dataset = wind_dataset(days)[["uwnd"]].rename(uwnd="taux") * 0
    dataset["taux"].attrs = {"units": "Pa", "long_name": "wind stress anomaly"}
    dataset["taux"][200, 3, 4] = 6.2
    assert ingest(save(dataset)).anomalies("taux")[6, 3, 4] == pytest.approx(6.2 / 31)


def test_land_is_where_a_mask_says_so(save, ingest) -> None:
    dataset = sst_dataset()
    mask = np.zeros(LAND.shape, dtype=np.int8)
    mask[3, 3] = 1
    dataset["landmask"] = (("lat", "lon"), mask)
    assert np.array_equal(ingest(save(dataset)).land, LAND | (mask == 1))
    dataset = dataset.rename(landmask="wet")
    dataset["wet"] = 1 - dataset["wet"]
    dataset["wet"].attrs["standard_name"] = "sea_binary_mask"
    assert np.array_equal(ingest(save(dataset, "sea.nc")).land, LAND | (mask == 1))


def test_land_that_is_held_as_zero_is_found_by_its_cold(save, ingest) -> None:
    dataset = sst_dataset().fillna(0)
    dataset["temp"].attrs = sst_dataset()["temp"].attrs
    path = save(dataset)
    assert not ingest(path).land.any()
    fields = ingest(path, land_below=15)
    np.testing.assert_array_equal(fields.land, LAND)
    np.testing.assert_array_equal(fields.values("sst"), temperatures(months()))
    coarse = ingest(path, land_below=15, resolution=4, lat_min=-10, lat_max=10)
    assert float(np.nanmin(coarse.values("sst"))) > 20


def test_winds_become_stress(save, ingest) -> None:
    dataset = wind_dataset()
    u, v = dataset["uwnd"].to_numpy().astype(np.float64), dataset["vwnd"].to_numpy().astype(np.float64)
    speed = np.hypot(u, v)
    drag = np.where(speed < 11, 1.2e-3, (0.49 + 0.065 * speed) * 1e-3)
    assert (speed > 11).any()
    fields = ingest(save(dataset))
    assert fields.channels == ("taux", "tauy")
    assert fields.units["taux"] == "N m-2"
    np.testing.assert_allclose(fields.values("taux"), 1.22 * drag * speed * u, rtol=1e-4)
    np.testing.assert_allclose(fields.values("tauy"), 1.22 * drag * speed * v, rtol=1e-4)


def test_stress_is_made_before_days_are_averaged(save, ingest) -> None:
    days = pd.date_range("2000-01-01", "2000-12-31", freq="D", unit="ns")
    dataset = wind_dataset(days)
    dataset["vwnd"] = xr.zeros_like(dataset["vwnd"]).assign_attrs(units="m s-1")
    to_and_fro = np.where((np.arange(len(days)) < 31) & (np.arange(len(days)) % 2 == 0), -5, 5)
    dataset["uwnd"][:] = to_and_fro[:, None, None]
    fields = ingest(save(dataset))
    assert fields.values("taux")[1, 0, 0] == pytest.approx(1.22 * 1.2e-3 * 25)
    assert abs(fields.values("taux")[0, 0, 0]) < 0.002


def test_files_in_a_zip_become_one_dataset_on_the_grid_of_the_sst(save, tmp_path, ingest) -> None:
    sst = save(sst_dataset(), "sst.nc")
    winds = wind_dataset(months(14, "2000-07-01")).interp(lat=np.arange(-10, 11, 2.5), lon=np.arange(185, 251, 5.0))
    wind = save(winds, "wind.nc")
    fields = ingest(zipped(tmp_path / "both.nc.zip", wind, sst))
    assert fields.channels == ("sst", "taux", "tauy")
    assert len(fields.months) == 24
    np.testing.assert_array_equal(fields.lat, LAT)
    np.testing.assert_array_equal(fields.values("sst"), temperatures(months()))
    taux = fields.values("taux")
    assert np.isnan(taux[:6]).all()
    assert np.isnan(taux[20:]).all()
    assert np.isfinite(taux[6:20, 2, 5]).all()
    assert np.isnan(taux[:, LAND]).all()


def test_a_variable_and_its_unit_are_named(save, ingest) -> None:
    dataset = sst_dataset(units="", standard_name="")
    fields = ingest(save(dataset), variables="sst=temp", units="sst=Deg C")
    np.testing.assert_array_equal(fields.values("sst"), temperatures(months()))


def test_a_level_is_named(save, ingest) -> None:
    deep = xr.concat([sst_dataset(), sst_dataset() - 5], dim=pd.Index([0.0, 100.0], name="depth"))
    deep["temp"].attrs = {"units": "degC"}
    fields = ingest(save(deep), variables="sst=temp@0;t100=temp@100")
    np.testing.assert_allclose(fields.values("t100"), fields.values("sst") - 5, atol=1e-5)


def test_a_box_that_misses_the_indices_makes_a_dataset_without_them(save, make) -> None:
    assert make(save(sst_dataset()), lon_min=180, lon_max=215).meta["indices"] == []


def test_a_real_file(ingest) -> None:
    """OSTIA, 54 months from 2006-04: in kelvin, its land masked; it holds the El Nino of 2009/10."""
    fields = ingest(OSTIA)
    assert (fields.months[0], fields.months[-1]) == (date(2006, 4, 1), date(2010, 9, 1))
    assert 0.1 < fields.land.mean() < 0.2
    indices = nino_indices(fields.anomalies("sst"), fields.lat, fields.lon)
    assert set(indices) == {"nino3", "nino34", "nino4"}
    warmest = fields.months[int(np.argmax(indices["nino34"]))]
    assert date(2009, 11, 1) <= warmest <= date(2010, 1, 1)
    assert indices["nino34"].max() > 1
    coldest = fields.months[int(np.argmin(indices["nino34"]))]
    assert date(2007, 11, 1) <= coldest <= date(2008, 3, 1) or coldest >= date(2010, 8, 1)


def test_the_service_finds_the_source_by_the_ending(save, tmp_path) -> None:
    assert source_for_path("a/SST.NC").name == "field"
    assert source_for_path("a.zarr.zip").name == "field"
    reader = SourceReader()
    source = reader.choose("", "sst.nc", ReadOptions(), {"resolution": 4.0})
    job = IngestJob(
        name="sst",
        source=source,
        origin=Origin.STREAM,
        path="sst.nc",
        options=ReadOptions(),
        parameters={"resolution": 4.0},
    )
    made = reader.make(job, save(sst_dataset()), tmp_path, lambda: False)
    assert (made.kind, made.meta["grid"]["lon"][2]) == (Kind.FIELD, 14)


def test_it_stops_when_it_is_told_to(save, make) -> None:
    with pytest.raises(StoppedError):
        make(save(sst_dataset()), must_stop=lambda: True)

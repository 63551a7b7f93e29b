from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from shared.errors import InvalidInputError
from shared.fields import layout
from shared.fields.layout import FieldHeader
from shared.fields.months import month_from_text, months_between
from shared.fields.store import open_fields
from shared.fields.writing import FieldWriter, write_field

LAT, LON = np.arange(-2.0, 2.1), np.arange(190.0, 196)
MONTHS = months_between(date(1999, 11, 1), date(2002, 10, 1))
LAND = np.zeros((5, 6), dtype=bool)
LAND[0, 0] = True


def header(**changes) -> FieldHeader:
    plain = {
        "channels": {"sst": "degC", "taux": "N m-2"},
        "months": MONTHS,
        "lat": LAT,
        "lon": LON,
        "land": LAND,
        "base": (date(1999, 11, 1), date(2001, 10, 1)),
    }
    return FieldHeader(**(plain | changes))


def values() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    sst = rng.normal(26, 1, (len(MONTHS), 5, 6)).astype(np.float32)
    taux = rng.normal(0, 0.1, (len(MONTHS), 5, 6)).astype(np.float32)
    sst[:, LAND] = taux[:, LAND] = np.nan
    taux[:3] = np.nan
    return {"sst": sst, "taux": taux}


def test_what_was_written_is_read(tmp_path) -> None:
    write_field(tmp_path, header(), values())
    fields = open_fields(tmp_path)
    assert fields.channels == ("sst", "taux")
    assert fields.units == {"sst": "degC", "taux": "N m-2"}
    assert fields.months == MONTHS
    assert fields.base == (date(1999, 11, 1), date(2001, 10, 1))
    np.testing.assert_array_equal(fields.lat, LAT)
    np.testing.assert_array_equal(fields.lon, LON)
    np.testing.assert_array_equal(fields.land, LAND)
    for channel, written in values().items():
        np.testing.assert_array_equal(fields.values(channel), written)
        assert fields.values(channel, 4, 9).dtype == np.float32
        np.testing.assert_array_equal(fields.values(channel, 4, 9), written[4:9])


def test_anomalies_are_what_departs_from_the_base_period(tmp_path) -> None:
    write_field(tmp_path, header(), values())
    fields = open_fields(tmp_path)
    anomalies = fields.anomalies("sst")
    np.testing.assert_allclose(anomalies[:24].reshape(2, 12, 5, 6).mean(axis=0)[:, ~LAND], 0, atol=1e-5)
    np.testing.assert_array_equal(fields.anomalies("sst", 7, 9), anomalies[7:9])
    november = values()["sst"][[0, 12]].mean(axis=0)
    np.testing.assert_allclose(fields.climatology("sst")[10], november, rtol=1e-6)
    stacked = fields.stacked_anomalies(("taux", "sst"), 5, 11)
    assert stacked.shape == (6, 2, 5, 6)
    np.testing.assert_array_equal(stacked[:, 1], anomalies[5:11])


def test_what_came_as_anomalies_is_kept_as_it_is(tmp_path) -> None:
    write_field(tmp_path, header(given_as_anomalies=("sst",)), values())
    fields = open_fields(tmp_path)
    np.testing.assert_array_equal(fields.anomalies("sst"), values()["sst"])
    assert fields.given_as_anomalies == ("sst",)


def test_equal_content_gives_equal_files_however_it_is_written(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(layout, "CHUNK_BYTES", 10 * 4 * 30)
    whole = write_field(tmp_path / "a", header(), values())
    writer = FieldWriter(tmp_path / "b", header())
    fields = open_fields(tmp_path / "a")
    for channel, written in values().items():
        writer.write_climatology(channel, fields.climatology(channel))
        for first in range(0, len(MONTHS), 10):
            writer.write(channel, first, written[first : first + 10])
    pieces = writer.files()
    assert list(whole) == list(pieces)
    assert "field.zarr/sst/c/3/0/0" in whole
    for path, file in whole.items():
        assert file.read_bytes() == pieces[path].read_bytes(), path


def test_anybody_reads_it_with_xarray(tmp_path) -> None:
    write_field(tmp_path, header(), values())
    dataset = xr.open_zarr(tmp_path / "field.zarr", chunks=None, consolidated=False)
    assert dataset["sst"].dims == ("time", "lat", "lon")
    assert dataset["sst_climatology"].dims == ("month", "lat", "lon")
    assert dataset["time"].values[0] == np.datetime64("1999-11-01")
    assert dataset["sst"].attrs["units"] == "degC"
    assert dataset.attrs["base_start"] == "1999-11"


def test_the_facts_of_a_field() -> None:
    meta = header().to_meta()
    assert meta["rows"] == meta["months"] == 36
    assert (meta["start"], meta["end"]) == ("1999-11", "2002-10")
    assert meta["grid"] == {"lat": [-2.0, 2.0, 5], "lon": [190.0, 195.0, 6]}
    assert meta["channels"] == [{"name": "sst", "units": "degC"}, {"name": "taux", "units": "N m-2"}]


def test_a_month_has_a_row(tmp_path) -> None:
    write_field(tmp_path, header(), values())
    fields = open_fields(tmp_path)
    assert fields.row_of(date(2000, 1, 1)) == 2
    with pytest.raises(InvalidInputError, match="2003-01 is not within 1999-11 to 2002-10"):
        fields.row_of(date(2003, 1, 1))
    with pytest.raises(InvalidInputError, match="'tauy' is not one of: sst, taux"):
        fields.values("tauy")
    with pytest.raises(InvalidInputError, match="30 to 37 are not within the 36 months"):
        fields.values("sst", 30, 37)


def test_a_folder_without_fields_is_refused(tmp_path) -> None:
    with pytest.raises(InvalidInputError, match=r"no field\.zarr"):
        open_fields(tmp_path)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"channels": {}}, "no channel"),
        ({"months": MONTHS[:3] + MONTHS[4:]}, "follow each other"),
        ({"months": (date(2000, 1, 2),)}, "first days"),
        ({"lat": LAT[::-1]}, "lat must ascend"),
        ({"lon": LON - 360}, "within 0 to 360"),
        ({"land": LAND.T}, "land has the shape"),
    ],
)
def test_a_header_whose_parts_do_not_fit_is_refused(wrong, said) -> None:
    with pytest.raises(InvalidInputError, match=said):
        header(**wrong)


def test_months_are_read_from_text() -> None:
    assert month_from_text("base_start", "1982") == date(1982, 1, 1)
    assert month_from_text("base_end", "1982", last=True) == date(1982, 12, 1)
    assert month_from_text("base_end", "1982-07", last=True) == date(1982, 7, 1)
    for wrong in ("82", "1982-13", "1982-1", "soon", "0000-01"):
        with pytest.raises(InvalidInputError, match="base_end"):
            month_from_text("base_end", wrong)


def test_a_store_that_lacks_a_part_is_refused_by_its_name(tmp_path: Path) -> None:
    xr.Dataset({"sst": (("time",), np.zeros(3, np.float32))}).to_zarr(
        tmp_path / "field.zarr", zarr_format=3, consolidated=False
    )
    with pytest.raises(InvalidInputError, match=r"field\.zarr lacks 'channels'"):
        open_fields(tmp_path)

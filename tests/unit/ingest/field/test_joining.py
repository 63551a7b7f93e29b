"""One variable in several files over time, as archives come: a file a year, or a month, or a day."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from shared.errors import InvalidInputError
from svc_ingest.sources.field import axes, inputs
from tests.support.fields import LAT, LON, months, sst_dataset, temperatures, wind_dataset

Zipped = Callable[[Sequence[xr.Dataset]], Path]


@pytest.fixture
def zipped(save, tmp_path) -> Zipped:
    """Datasets as a.nc, b.nc, ... in a zip."""

    def zipped(datasets: Sequence[xr.Dataset]) -> Path:
        target = tmp_path / "all.nc.zip"
        with zipfile.ZipFile(target, "w") as archive:
            for number, dataset in enumerate(datasets):
                name = f"{chr(ord('a') + number // 26)}{chr(ord('a') + number % 26)}.nc"
                archive.write(save(dataset, name), name)
        return target

    return zipped


def cut(dataset: xr.Dataset, *edges: int) -> list[xr.Dataset]:
    return [dataset.isel(time=slice(start, end)) for start, end in pairwise(edges)]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_years_are_joined_whatever_their_names(zipped, ingest, order) -> None:
    years = cut(sst_dataset(months(36)), 0, 12, 24, 36)
    fields = ingest(zipped([years[place] for place in order]))
    assert (fields.months[0], fields.months[-1]) == (date(2000, 1, 1), date(2002, 12, 1))
    np.testing.assert_array_equal(fields.values("sst"), temperatures(months(36)))


def test_cut_or_whole_the_bytes_are_equal(save, zipped, make, monkeypatch) -> None:
    dataset = sst_dataset()
    monkeypatch.setattr(inputs, "PIECE_BYTES", 8 * 5 * len(LAT) * len(LON))
    whole = {name: file.read_bytes() for name, file in make(save(dataset)).files.items()}
    parts = zipped(cut(dataset, 0, 1, 2, 9, 24))
    assert {name: file.read_bytes() for name, file in make(parts).files.items()} == whole


def test_days_go_on_within_a_month(zipped, ingest) -> None:
    dataset = sst_dataset(pd.date_range("2000-01-01", "2000-12-31", freq="D", unit="ns"))
    fields = ingest(zipped(cut(dataset, 0, 10, 11, 40, 366)))
    np.testing.assert_allclose(fields.values("sst"), dataset["temp"].resample(time="MS").mean(), rtol=1e-6)


def test_each_file_has_its_own_unit_order_and_epoch(zipped, ingest) -> None:
    first, second = cut(sst_dataset(), 0, 12, 24)
    second["temp"] = (second["temp"] + np.float32(273.15)).assign_attrs(sst_dataset()["temp"].attrs | {"units": "K"})
    second = second.isel(lat=slice(None, None, -1)).roll(lon=3, roll_coords=True)
    second["time"].encoding["units"] = "hours since 1800-01-01"
    second = second.assign_coords(lon=second["lon"].astype(np.float32))
    np.testing.assert_allclose(ingest(zipped([first, second])).values("sst"), temperatures(months()), atol=1e-4)


def test_winds_may_be_cut_elsewhere_than_each_other(save, zipped, ingest) -> None:
    winds = wind_dataset()
    whole = ingest(save(winds)).values("taux")
    parts = [*cut(winds[["uwnd"]], 0, 7, 24), *cut(winds[["vwnd"]], 0, 15, 24)]
    np.testing.assert_array_equal(ingest(zipped(parts)).values("taux"), whole)


def test_a_gap_between_files_is_refused_or_kept(zipped, ingest) -> None:
    path = zipped([*cut(sst_dataset(months(36)), 0, 12), *cut(sst_dataset(months(36)), 14, 36)])
    with pytest.raises(InvalidInputError, match=r"aa\.nc to ab\.nc: variable 'temp': .* missing .*: 2001-01, 2001-02;"):
        ingest(path)
    fields = ingest(path, gaps="missing")
    assert len(fields.months) == 36
    assert np.isnan(fields.values("sst", 12, 14)).all()


def anomalous(dataset: xr.Dataset) -> xr.Dataset:
    changed = (dataset - 27).copy()
    changed["temp"].attrs = dataset["temp"].attrs | {"long_name": "anomaly"}
    return changed


FIRST, SECOND = cut(sst_dataset(), 0, 12, 24)
NOLEAP = SECOND.convert_calendar("noleap")


@pytest.mark.parametrize(
    ("datasets", "said"),
    [
        (
            [*cut(sst_dataset(), 0, 13), SECOND],
            r"ab\.nc: variable 'time': begins in 2001-01, and aa\.nc goes up to 2001-01: leave out",
        ),
        ([sst_dataset(), SECOND], r"ab\.nc: variable 'time': begins in 2001-01, and aa\.nc goes up to 2001-12"),
        (
            [
                FIRST,
                sst_dataset(months(12, "2000-12-01")).assign_coords(
                    time=pd.date_range("2000-12-20", periods=12, freq="30D", unit="ns")
                ),
            ],
            r"ab\.nc: variable 'time': aa\.nc holds the month 2000-12 too: leave it out of one",
        ),
        ([FIRST, SECOND.isel(lat=slice(1, None))], r"ab\.nc: variable 'temp': has another grid than in aa\.nc"),
        ([FIRST, SECOND.assign_coords(lon=LON + 0.5)], r"ab\.nc: variable 'temp': has another grid than in aa\.nc"),
        ([FIRST, anomalous(SECOND)], r"ab\.nc: variable 'temp': holds anomalies in one of this file and aa\.nc"),
        ([FIRST, NOLEAP], r"ab\.nc: variable 'time': has another calendar than aa\.nc: convert it"),
        ([FIRST, SECOND.rename(temp="other")], r"sst could be aa\.nc 'temp' or ab\.nc 'other': say which"),
        ([FIRST, SECOND + 100], r"ab\.nc: variable 'temp': 12\d.* is no sea-surface temperature"),
    ],
)
def test_files_that_do_not_fit_are_refused(zipped, make, datasets, said) -> None:
    with pytest.raises(InvalidInputError, match=said) as error:
        make(zipped(datasets))
    assert len(error.value.violations) == 1


def test_all_times_together_have_a_limit(zipped, make, monkeypatch) -> None:
    monkeypatch.setattr(axes, "MOST_TIMES", 20)
    monkeypatch.setattr(inputs, "MOST_TIMES", 20)
    with pytest.raises(InvalidInputError, match=r"aa\.nc: variable 'temp': has 24 times in all files; at most 20"):
        make(zipped([FIRST, SECOND]))

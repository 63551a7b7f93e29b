"""Nino indices of ingested fields beside the indices that agencies publish."""

from __future__ import annotations

import csv
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from shared.contracts.parameters import parse_parameters
from shared.fields.nino import nino_indices
from shared.fields.store import Fields, open_fields
from svc_ingest.sources.field.source import SOURCE

Index = dict[date, float]


@pytest.fixture(scope="module")
def ingest(data_dir, tmp_path_factory):
    def ingest(file: str, **parameters: object) -> Fields:
        folder = tmp_path_factory.mktemp("field")
        SOURCE.make(data_dir / "ocean" / file, parse_parameters(SOURCE.parameters, parameters), folder, lambda: False)
        return open_fields(folder)

    return ingest


@pytest.fixture(scope="module")
def oisst(ingest) -> Fields:
    return ingest("oisst_pacific_1deg_198201_201012.nc", land_below=15.0)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def month(text: str) -> date:
    return date(int(text[:4]), int(text[5:7]), 1)


def published(data_dir: Path, file: str, column: str) -> Index:
    rows = rows_of(data_dir / "enso_index" / file)
    time = next(iter(rows[0]))
    return {month(row[time]): float(row[column]) for row in rows if row[column]}


def index_of(fields: Fields, name: str, *, absolute: bool = False) -> Index:
    maps = fields.values("sst") if absolute else fields.anomalies("sst")
    values = nino_indices(maps, fields.lat, fields.lon)[name]
    return {month: float(value) for month, value in zip(fields.months, values, strict=True) if np.isfinite(value)}


def without_usual_year(index: Index, months: list[date]) -> np.ndarray:
    """Anomalies over the months that are compared, so that both have one base."""
    values, of_year = np.array([index[month] for month in months]), np.array([month.month for month in months])
    return values - np.array([values[of_year == one].mean() for one in of_year])


def compare(label: str, ours: Index, theirs: Index) -> tuple[float, float]:
    months = sorted(set(ours) & set(theirs))
    one, other = without_usual_year(ours, months), without_usual_year(theirs, months)
    r, rmse = float(np.corrcoef(one, other)[0, 1]), float(np.sqrt(np.mean((one - other) ** 2)))
    sys.stdout.write(f"\n{label:<58} {len(months):>4} months  r {r:.4f}  RMSE {rmse:.3f} degC")
    return r, rmse


def test_the_absolute_nino34_is_noaas_own(data_dir, oisst) -> None:
    theirs = published(data_dir, "oisst_v2_nino34_198111_201412.csv", "nino34_sst_degC")
    ours = index_of(oisst, "nino34", absolute=True)
    months = sorted(set(ours) & set(theirs))
    differences = np.array([ours[month] - theirs[month] for month in months])
    sys.stdout.write(
        f"\nOISST Nino3.4, absolute: bias {differences.mean():+.3f}, largest {abs(differences).max():.3f} degC"
    )
    assert len(months) == 348
    assert abs(differences).max() < 0.05
    r, rmse = compare("OISST 1 deg Nino3.4 / NOAA OISST v2", ours, theirs)
    assert r > 0.999
    assert rmse < 0.02


def test_every_index_of_oisst_is_that_of_others(data_dir, oisst) -> None:
    reanalysis = "oras5_nino3_nino34_wwv_195801_201412.csv"
    months = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
    nino12 = {
        date(int(float(row["YEAR"])), place + 1, 1): float(row[name])
        for row in rows_of(data_dir / "enso_index/statsmodels_elnino_nino12_1950_2010.csv")
        for place, name in enumerate(months)
    }
    r, rmse = compare("OISST 1 deg Nino1+2 / statsmodels (NOAA)", index_of(oisst, "nino12"), nino12)
    # Another analysis of a cold and narrow sea: ERSST in 2010 departs from it just as much.
    assert r > 0.96
    assert rmse < 0.35
    for name, column in (("nino3", "Nino3"), ("nino34", "Nino34")):
        theirs = published(data_dir, reanalysis, column)
        r, rmse = compare(f"OISST 1 deg {column} / ECMWF ORAS5", index_of(oisst, name), theirs)
        assert r > 0.98
        assert rmse < 0.25


@pytest.mark.parametrize("resolution", [2.0, 5.0])
def test_a_coarser_grid_has_the_same_index(data_dir, ingest, resolution) -> None:
    fields = ingest("oisst_pacific_1deg_198201_201012.nc", land_below=15.0, resolution=resolution)
    theirs = published(data_dir, "oisst_v2_nino34_198111_201412.csv", "nino34_sst_degC")
    r, rmse = compare(f"OISST on {resolution:g} deg Nino3.4 / NOAA OISST v2", index_of(fields, "nino34"), theirs)
    assert r > 0.995
    assert rmse < 0.08


def test_other_files_agree(data_dir, ingest) -> None:
    theirs = published(data_dir, "oras5_nino3_nino34_wwv_195801_201412.csv", "Nino34")
    anomalies = ingest("sst_anom_pacific_2deg_197001_200303.nc")
    r, rmse = compare("NOAA anomalies 2 deg Nino3.4 / ECMWF ORAS5", index_of(anomalies, "nino34"), theirs)
    assert r > 0.97
    assert rmse < 0.3
    noaa = published(data_dir, "oisst_v2_nino34_198111_201412.csv", "nino34_sst_degC")
    ersst = ingest("ersst_v5_global_2deg_201001_201412.nc")
    r, rmse = compare("ERSST v5 2 deg Nino3.4 / NOAA OISST v2", index_of(ersst, "nino34"), noaa)
    assert r > 0.98
    assert rmse < 0.15


def test_winds_blow_eastward_where_the_sea_is_warm(ingest, oisst) -> None:
    """Bjerknes' coupling: the eastward stress over the western box goes with the warmth of the central one."""
    winds = ingest("fnoc_winds_40S40N_2p5deg_198201_199012.nc")
    stress = nino_indices(winds.anomalies("taux"), winds.lat, winds.lon)["nino4"]
    warmth = index_of(oisst, "nino34")
    r = float(np.corrcoef(stress, [warmth[month] for month in winds.months])[0, 1])
    sys.stdout.write(f"\neastward stress in Nino4 / OISST Nino3.4, 1982-1990: r {r:.3f}\n")
    assert r > 0.5

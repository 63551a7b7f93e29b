"""`geoformer` on observed sea surface temperature: Nino3.4 correlation by lead, beside what it has to beat.

    python -m bench.ocean_study ../shared/data/ocean --blocks 4 --set max_steps=200
    python -m bench.ocean_study ../shared/data/ocean --set max_steps=200 --set members=4

With `--blocks` the years 1982 to 2004 are held out in turn: that is how hyperparameters are chosen. Without, the recipe
learns from the months up to 2004-12 and is scored on 2005-01 to 2010-12. Every way to forecast sees the same months.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from bench.measure import print_table
from shared.contracts.canonical import digest_of
from shared.fields.channels import UNITS
from shared.fields.layout import FieldHeader
from shared.fields.writing import write_field
from svc_ingest.sources.field.stress import stress_of
from svc_train.recipes.base import Checkpoint, DatasetSource, Progress, TrainingJob, find_recipe

TEMPERATURE, EARLIER, WINDS = (
    "oisst_pacific_1deg_198201_201012.nc",
    "sst_anom_pacific_2deg_197001_200303.nc",
    "fnoc_winds_40S40N_2p5deg_198201_199012.nc",
)
FIRST, LAST_TO_LEARN = 1982, "2004-12"
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


def with_earlier(sst: xr.DataArray, folder: Path) -> xr.DataArray:
    """With 1970 to 1981 put in front: older anomalies of 2 degrees on the same grid, brought to the same base.

    They are shifted, month by month of the year, so that both sources mean the same over 1982 to 2002.
    """
    source = xr.open_dataset(folder / EARLIER)
    older = source["sst_anom"].where(source["landmask"] == 0).interp(lat=sst["lat"], lon=sst["lon"])
    both = slice(f"{FIRST}-01", "2002-12")
    gap = (sst.sel(time=both) - older.sel(time=both)).groupby("time.month").mean()
    front = (older.groupby("time.month") + gap).sel(time=slice(None, "1981-12"))
    # Coasts that only the finer source resolves: nothing is known of them, so nothing is claimed.
    front = front.where(~(front.isnull() & sst.notnull().all("time")), 0.0)
    return xr.concat([front.where(sst.notnull().any("time")), sst], "time").drop_vars("month", errors="ignore")


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


def run(training_set: DatasetSource, given: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Train once; the version's `skill.json`, with its metrics."""
    job = TrainingJob(
        hyperparameters=given, base=None, training_set=training_set, series=(), bundle_dir=folder / "bundle"
    )
    begun = time.monotonic()
    evaluated: dict[int, float] = {}

    def report(said: Progress | Checkpoint) -> None:
        if isinstance(said, Progress) and (said.metrics or said.step % 50 == 0):
            if said.metrics:
                evaluated[said.step] = said.metrics["nino34_rmse"]
            print(f"  step {said.step} of {said.total_steps}: loss {said.loss:.3f}, {said.elapsed_s:.0f} s", flush=True)

    result = find_recipe("geoformer").train(job, report)
    skill: dict[str, Any] = json.loads((job.bundle_dir / "skill.json").read_bytes())
    return skill | {"metrics": dict(result.metrics), "evaluated": evaluated, "seconds": time.monotonic() - begun}


def blocks(count: int) -> Iterator[dict[str, str]]:
    """The test periods that divide the years to learn from."""
    edges = np.linspace(0, (2005 - FIRST) * 12, count + 1).round().astype(int).tolist()
    for start, end in pairwise(edges):
        yield {"test_start": _month(start), "test_end": _month(end - 1), "train_end": LAST_TO_LEARN}


def _month(number: int) -> str:
    return f"{FIRST + number // 12}-{number % 12 + 1:02d}"


def means(skills: list[dict[str, Any]]) -> dict[str, dict[str, list[float]]]:
    """Of several test periods: the mean correlation by lead, and the root of the mean squared error of the index."""
    found: dict[str, dict[str, list[float]]] = {}
    for name in skills[0]["forecasts"]:
        scores = [one["forecasts"][name] for one in skills]
        squares = np.square([score["nino34_rmse"] for score in scores])
        found[name] = {
            "nino34_correlation": np.mean([score["nino34_correlation"] for score in scores], axis=0).tolist(),
            "nino34_rmse": np.sqrt(squares.mean(axis=0)).tolist(),
        }
    return found


def show(title: str, found: Mapping[str, Mapping[str, list[float]]], notes: Mapping[str, object]) -> None:
    """Both numbers by lead."""
    for number in ("nino34_correlation", "nino34_rmse"):
        leads = len(next(iter(found.values()))[number])
        rows = [[name, *(f"{value:.2f}" for value in scores[number])] for name, scores in found.items()]
        print_table(f"{title}: {number}", ["", *(str(lead) for lead in range(1, leads + 1))], rows, notes)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder with the NetCDF files")
    parser.add_argument("--blocks", type=int, default=0, help="hold out so many blocks of years in turn; 0 tests")
    parser.add_argument("--cells", type=int, default=2, help="degrees of the grid")
    parser.add_argument("--since", type=int, choices=(1970, FIRST), default=FIRST, help="first year to learn from")
    parser.add_argument("--winds", action="store_true", help="with wind stress for the years that have it")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a hyperparameter")
    parser.add_argument("--out", type=Path, help="write all numbers here, as JSON")
    return parser.parse_args()


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def main() -> None:
    """See the module."""
    arguments = _parse()
    given = {name: _value(value) for name, _, value in (one.partition("=") for one in arguments.set)}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        sst = temperature(arguments.data, arguments.cells)
        winds = wind_stress(arguments.data, sst) if arguments.winds else {}
        if arguments.since < FIRST:
            sst = with_earlier(sst, arguments.data)
        winds = {name: stress.reindex(time=sst["time"]) for name, stress in winds.items()}
        training_set = write(folder / "field", {"sst": sst, **winds})
        last = {"train_end": LAST_TO_LEARN, "test_start": "2005-01"}
        periods = list(blocks(arguments.blocks)) if arguments.blocks else [last]
        skills = []
        for number, period in enumerate(periods):
            print(f"scored: {period['test_start']} to {period.get('test_end', '2010-12')}", flush=True)
            skills.append(run(training_set, {**given, **period}, folder / str(number)))
    if arguments.out:
        arguments.out.write_text(json.dumps({"given": given, "periods": skills}, indent=1), encoding="utf-8")
    title = f"{len(periods)} blocks of 1982 to 2004" if arguments.blocks else "2005-01 to 2010-12"
    notes = {"seconds": f"{sum(one['seconds'] for one in skills):.0f}", "since": arguments.since, **given}
    show(title, means(skills), notes)
    steps = {step: float(np.mean([one["evaluated"][step] for one in skills])) for step in skills[0]["evaluated"]}
    print("mean RMSE of the index, over leads and periods, after so many steps:")
    print(", ".join(f"{step}: {error:.3f}" for step, error in steps.items()))


if __name__ == "__main__":
    main()

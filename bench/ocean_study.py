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
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure import print_table, settings
from bench.ocean_data import BEFORE_FIRST, FIRST, LAST_TO_LEARN, earlier, temperature, wind_stress, with_earlier, write
from svc_train.recipes.base import Checkpoint, DatasetSource, ParentSource, Progress, TrainingJob, find_recipe


def pretrained(older: DatasetSource, given: Mapping[str, Any], steps: int, folder: Path) -> ParentSource:
    """A version that learnt from all of the older months alone: to go on from."""
    given = {**given, "max_steps": steps, "train_end": LAST_TO_LEARN}
    job = TrainingJob(hyperparameters=given, base=None, training_set=older, series=(), bundle_dir=folder)
    metrics = find_recipe("geoformer").train(job, lambda _: None).metrics
    print(f"first learnt {steps} steps from {metrics['train_months']:.0f} older months", flush=True)
    return ParentSource(name="older@1", run_id="older", folder=folder)


def run(
    training_set: DatasetSource, given: Mapping[str, Any], folder: Path, parent: ParentSource | None = None
) -> dict[str, Any]:
    """Train once; the version's `skill.json`, with its metrics."""
    job = TrainingJob(
        hyperparameters=given,
        base=None,
        training_set=training_set,
        series=(),
        bundle_dir=folder / "bundle",
        parent=parent,
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
    parser.add_argument(
        "--pretrain", type=int, default=0, metavar="STEPS", help="learn from older anomalies alone first"
    )
    parser.add_argument("--pretrain-end", default=BEFORE_FIRST, help="the last month of these; the file has 2003-03")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a hyperparameter")
    parser.add_argument("--out", type=Path, help="write all numbers here, as JSON")
    arguments = parser.parse_args()
    if arguments.blocks and arguments.pretrain_end > BEFORE_FIRST:
        parser.error(f"--pretrain-end behind {BEFORE_FIRST} would show --blocks years that it holds out")
    return arguments


def main() -> None:
    """See the module."""
    arguments = _parse()
    given = settings(arguments.set)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        sst = temperature(arguments.data, arguments.cells)
        winds = wind_stress(arguments.data, sst) if arguments.winds else {}
        parent = None
        if arguments.pretrain:
            older = write(folder / "older", {"sst": earlier(sst, arguments.data, arguments.pretrain_end)})
            parent = pretrained(older, given, arguments.pretrain, folder / "parent")
        if arguments.since < FIRST:
            sst = with_earlier(sst, arguments.data)
        winds = {name: stress.reindex(time=sst["time"]) for name, stress in winds.items()}
        training_set = write(folder / "field", {"sst": sst, **winds})
        last = {"train_end": LAST_TO_LEARN, "test_start": "2005-01"}
        periods = list(blocks(arguments.blocks)) if arguments.blocks else [last]
        skills = []
        for number, period in enumerate(periods):
            print(f"scored: {period['test_start']} to {period.get('test_end', '2010-12')}", flush=True)
            skills.append(run(training_set, {**given, **period}, folder / str(number), parent))
    if arguments.out:
        arguments.out.write_text(json.dumps({"given": given, "periods": skills}, indent=1), encoding="utf-8")
    title = f"{len(periods)} blocks of 1982 to 2004" if arguments.blocks else "2005-01 to 2010-12"
    notes = {
        "seconds": f"{sum(one['seconds'] for one in skills):.0f}",
        "since": arguments.since,
        "pretrain": arguments.pretrain,
        **given,
    }
    show(title, means(skills), notes)
    steps = {step: float(np.mean([one["evaluated"][step] for one in skills])) for step in skills[0]["evaluated"]}
    print("mean RMSE of the index, over leads and periods, after so many steps:")
    print(", ".join(f"{step}: {error:.3f}" for step, error in steps.items()))


if __name__ == "__main__":
    main()

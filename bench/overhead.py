"""What a run costs beside its steps: from `train.requested` to the first step, from the last step to an alias served.

The whole stack runs as `upwell up` runs it. The floor is a process that imports what training imports and ends: every
run has a process of its own, so that it can be killed, limited and forgotten.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from bench.measure import median, print_table, ratios
from upwell.cli.label import ended_job
from upwell.client import Connection, Upwell
from upwell.client.waiting import until
from upwell.infer.v1 import infer_service_pb2
from upwell.ingest.v1 import events_pb2
from upwell.local.background import start_background, stop_background
from upwell.local.environment import client_environment
from upwell.local.folder import DataFolder
from upwell.local.record import load_record

ALIAS = "champion"
MODEL, SERIES, INJECTED, LABELS = "detector", "series", "injected", "labels"
HYPERPARAMETERS = {"max_steps": 4, "batch_size": 4, "warmup_steps": 1, "window": 64}
WITHIN_S = 180.0
IMPORTS = "import torch, transformers, peft, pyarrow, safetensors"
FIRST, SERVED, FLOOR = "requested to first step", "last step to alias served", "imports alone"


@contextmanager
def stack(folder: Path) -> Iterator[Connection]:
    """A running stack."""
    place = DataFolder.at(folder)
    try:
        start_background(place, with_parent=True)
        record = load_record(place)
        assert record is not None, "a stack that runs has a record"
        yield Connection.from_environment(client_environment(record))
    finally:
        stop_background(place)


async def make_labels(upwell: Upwell, folder: Path) -> None:
    """A training set, small and true by construction."""
    rows = np.arange(4000)
    values = 80 + 20 * np.sin(rows / 15) + np.random.default_rng(0).normal(0, 0.5, len(rows))
    path = folder / "series.csv"
    np.savetxt(path, np.stack([rows, values], axis=1), delimiter=",", header="time,value", comments="", fmt="%.6g")
    options = events_pb2.ReadOptions(time_column="time", time_format="index")
    made = await upwell.ingest.file(path, name=SERIES, source="csv", options=options)
    await upwell.numbering.dataset(made.dataset)
    job_id = await upwell.label.start(SERIES, labeler="inject", output=INJECTED)
    job = await ended_job(upwell, job_id)
    await upwell.numbering.dataset(job.output)
    exported = await upwell.label.export(INJECTED, output=LABELS)
    await upwell.numbering.dataset(exported.dataset)


async def one_run(upwell: Upwell) -> dict[str, float]:
    """Seconds of both ways of a run."""
    asked = time.perf_counter()
    run_id = await upwell.train.request("series-lm", dataset=LABELS, model=MODEL, hyperparameters=HYPERPARAMETERS)
    first = last = 0.0
    async for answer in upwell.train.watch(run_id):
        if answer.WhichOneof("happened") == "progress":
            last = time.perf_counter()
            first = first or last
    version = await until(lambda: upwell.registry.trained_model(run_id), within_s=WITHIN_S, what="The number")
    await upwell.registry.promote(MODEL, version=version.ref.version, alias=ALIAS)

    async def serving() -> infer_service_pb2.ModelStatus | None:
        ready = (s for s in await upwell.infer.status() if s.model.run_id == run_id and ALIAS in s.aliases)
        return next((s for s in ready if s.state == infer_service_pb2.MODEL_STATE_READY), None)

    await until(serving, within_s=WITHIN_S, what="The alias")
    return {FIRST: first - asked, SERVED: time.perf_counter() - last}


def imports() -> float:
    """Seconds of the floor."""
    began = time.perf_counter()
    subprocess.run((sys.executable, "-c", IMPORTS), check=True)
    return time.perf_counter() - began


async def measure(connection: Connection, folder: Path, repetitions: int) -> dict[str, list[float]]:
    """Seconds by what was measured, the floor beside each run."""
    found: dict[str, list[float]] = {FIRST: [], SERVED: [], FLOOR: []}
    async with Upwell.connect(connection) as upwell:
        await make_labels(upwell, folder)
        await one_run(upwell)  # the first one makes the base and loads what stays loaded
        for _ in range(repetitions):
            found[FLOOR].append(imports())
            for name, seconds in (await one_run(upwell)).items():
                found[name].append(seconds)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, stack(Path(folder) / "stack") as connection:
        found = asyncio.run(measure(connection, Path(folder), arguments.repetitions))
    rows = [
        [name, median(values), min(values), max(values), median(ratios(values, found[FLOOR]))]
        for name, values in found.items()
    ]
    columns = ["seconds", "median", "min", "max", "this / imports alone"]
    print_table("A run beside its steps", columns, rows, vars(arguments) | {"base": "tiny-qwen"})


if __name__ == "__main__":
    main()

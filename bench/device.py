"""What a training step of each recipe costs on the device of this machine, in float32 and in bfloat16.

Each run is short and real: the recipe trains, saves and certifies its bundle. Peak memory is the device's, as torch
counts it (a CPU shows none). At the end the bundle is loaded on the device as svc_infer does with UPWELL_DEVICE, and
its certificate, made on the CPU, is replayed there.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch

from bench.bases import built_base
from bench.measure import median, print_table
from bench.planner_world import World
from bench.series_world import spiked_series
from bench.training import make_job
from shared.errors import IntegrityError
from shared.modeling.predictor import load_predictor
from svc_label.labelers.plan_oracle import PlanParameters
from svc_train.recipes.base import BaseSource, Checkpoint, Progress, TrainingJob, find_recipe
from svc_train.recipes.failure import TrainingFailedError
from svc_train.recipes.text_sft.config import TextSftConfig
from svc_train.recipes.training.knobs import BFLOAT16, FLOAT32

GIB = 2**30
PLANS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A recipe with hyperparameters on a job that is made in a folder."""

    recipe: str
    job: Callable[[Path, BaseSource], TrainingJob]
    given: Mapping[str, Any]

    @property
    def name(self) -> str:
        """For the table."""
        method = self.given.get("method", "")
        return f"{self.recipe} {method}".strip()


def text_job(folder: Path, base: BaseSource) -> TrainingJob:
    """Conversations that fill rows of 256 tokens."""
    return make_job(folder, base, TextSftConfig(max_length=256))


def planner_job(folder: Path, base: BaseSource) -> TrainingJob:
    """Plans in English for the documented grid."""
    world = World(folder=folder, base=base.name)
    plans = world.plans(PlanParameters(samples=PLANS, language="en"))
    return TrainingJob(hyperparameters={}, base=base, training_set=plans, series=(), bundle_dir=folder / "bundle")


def encoder_job(folder: Path, base: BaseSource) -> TrainingJob:
    """The documented grid of configurations."""
    world = World(folder=folder, base=base.name)
    return TrainingJob(
        hyperparameters={}, base=base, training_set=world.profile(), series=(), bundle_dir=folder / "bundle"
    )


TEXT = {"batch_size": 4, "max_length": 256, "packing": False}
RUNS = (
    Run(recipe="text-sft", job=text_job, given={**TEXT, "method": "lora"}),
    Run(recipe="text-sft", job=text_job, given={**TEXT, "method": "qlora"}),
    Run(recipe="text-sft", job=text_job, given={**TEXT, "method": "full", "learning_rate": 2e-5}),
    Run(recipe="series-lm", job=spiked_series, given={"method": "lora", "batch_size": 16}),
    Run(recipe="series-lm", job=spiked_series, given={"method": "full", "batch_size": 16, "learning_rate": 1e-4}),
    Run(recipe="planner-encoder", job=encoder_job, given={"batch_size": 32, "limit_eval": 32}),
    Run(recipe="planner", job=planner_job, given={"batch_size": 32, "limit_eval": 32, "init": "random"}),
)


def measure(run: Run, folder: Path, base: BaseSource, steps: int, precision: str) -> list[Any]:
    """A row of the table."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    given = {**run.given, "max_steps": steps, "num_epochs": 0.0, "precision": precision, "warmup_steps": 2}
    job = replace(run.job(folder, base), hyperparameters=given)
    told: list[Progress] = []

    def report(said: Progress | Checkpoint) -> None:
        if isinstance(said, Progress):
            told.append(said)

    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    try:
        find_recipe(run.recipe).train(job, report)
    except TrainingFailedError as error:
        return [run.name, precision, "", "", "", "", str(error)]
    step_s = [now.elapsed_s - before.elapsed_s for before, now in pairwise(told)]
    tokens = (told[-1].tokens - told[0].tokens) / max(told[-1].elapsed_s - told[0].elapsed_s, 1e-9)
    peak = torch.cuda.max_memory_allocated() / GIB if device.type == "cuda" else float("nan")
    return [run.name, precision, 1000 * median(step_s), tokens, peak, told[-1].loss, replayed(job, device)]


def replayed(job: TrainingJob, device: torch.device) -> str:
    """Whether the bundle answers on the device as it was certified, and in which numbers."""
    try:
        predictor = load_predictor(job.bundle_dir, job.needed_base.folder, device=str(device))
    except IntegrityError as error:
        return str(error)
    return f"equal, in {predictor.dtype}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", default="tiny-qwen", help="built-in base; smollm2-135m is the one to look at")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--precisions", nargs="+", default=[FLOAT32, BFLOAT16])
    parser.add_argument("--only", nargs="+", default=[], help="recipes")
    parser.add_argument("--folder", type=Path, default=Path(".bench/device"), help="where the base is kept")
    arguments = parser.parse_args()
    base, rows = built_base(arguments.base, arguments.folder), []
    for run in RUNS:
        if arguments.only and run.recipe not in arguments.only:
            continue
        for precision in arguments.precisions:
            with tempfile.TemporaryDirectory() as folder:
                rows.append(measure(run, Path(folder), base, arguments.steps, precision))
            print(*rows[-1], flush=True)
    columns = ["recipe", "precision", "ms a step", "tokens/s", "peak GiB", "last loss", "certificate on the device"]
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    print_table("Training on a device", columns, rows, vars(arguments) | {"device": device, "torch": torch.__version__})


if __name__ == "__main__":
    main()

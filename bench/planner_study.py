"""Do weights that remember the profile pay? The planner's config head flat and factorised, each begun in two ways.

Phase 0 (`planner-encoder`) runs once; then `planner` runs for each head, init and seed on the same plans. A row of the
table is one run: what it reaches on held-out tasks and states, and after how many steps and CPU seconds it first had
95 % of the tools and of the configurations right. CPU seconds are steps times the median CPU time of a step that does
not evaluate.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch

from bench.measure import median, print_table, settings
from bench.planner_world import World
from svc_label.labelers.plan_oracle import PlanParameters
from svc_train.recipes.base import Checkpoint, ParentSource, Progress, TrainingJob
from svc_train.recipes.planner import RECIPE as PLANNER
from svc_train.recipes.planner.config import ENCODER, RANDOM
from svc_train.recipes.planner_encoder import RECIPE as PHASE_0

GOOD = 0.95
SHOWN = ("tool_accuracy", "config_accuracy", "unaided_accuracy", "unaided_fitting", "regret_ms", "regret_percent")


@dataclass(slots=True)
class Watch:
    """Evaluations by step, and the CPU time of the steps between them."""

    evaluations: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    step_s: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    _last_s: float = field(default_factory=time.process_time)

    def __call__(self, said: Progress | Checkpoint) -> None:
        if isinstance(said, Checkpoint):
            return
        now = time.process_time()
        self.losses.append(said.loss)
        if said.metrics:
            self.evaluations.append((said.step, dict(said.metrics)))
            told = ", ".join(f"{name} {value:.4g}" for name, value in said.metrics.items())
            print(f"  step {said.step} of {said.total_steps}: loss {said.loss:.4g}, {told}", flush=True)
        else:
            self.step_s.append(now - self._last_s)
        self._last_s = time.process_time()

    def steps_to(self, metric: str) -> int | None:
        """The first evaluated step at which the metric was good."""
        return next((step for step, found in self.evaluations if found.get(metric, 0.0) >= GOOD), None)


def phase_0(world: World, arguments: argparse.Namespace) -> ParentSource:
    """The encoder's bundle, trained where it is not there yet."""
    hyperparameters = {
        "max_steps": arguments.encoder_steps,
        "num_epochs": 0.0,
        "batch_size": arguments.encoder_batch,
        "learning_rate": arguments.encoder_rate,
        "eval_steps": max(arguments.encoder_steps // 10, 1),
        "limit_eval": arguments.encoder_limit_eval,
        "precision": arguments.precision,
    }
    job = world.job(f"encoder-{arguments.encoder_steps}", world.profile(), hyperparameters)
    if not (job.bundle_dir / "certificate.json").is_file():
        print(f"phase 0 on {world.base}: {hyperparameters}", flush=True)
        watch, began = Watch(), time.process_time()
        PHASE_0.train(job, watch)
        report = json.loads((job.bundle_dir / "reconstruction.json").read_text())
        told = {name: report[name] for name in ("checked", "exact", "right_share_by_part", "missed")}
        print(f"  {time.process_time() - began:.0f} CPU s, {median(watch.step_s):.2f} a step; {told}", flush=True)
    return ParentSource(name="encoder@1", run_id="phase-0", folder=job.bundle_dir)


def run(job: TrainingJob) -> tuple[Watch, dict[str, float]]:
    """Train one planner; what was watched, and what it reached."""
    watch = Watch()
    result = PLANNER.train(job, watch)
    return watch, dict(result.metrics)


def row(name: Sequence[Any], watch: Watch, reached: dict[str, float]) -> list[Any]:
    """A run as a row of the table."""
    step_s = median(watch.step_s)
    found = [watch.steps_to(metric) for metric in ("tool_accuracy", "config_accuracy")]
    to_good = [f"{steps} / {steps * step_s:.0f}" if steps else "never" for steps in found]
    return [*name, *(reached.get(metric, float("nan")) for metric in SHOWN), *to_good, len(watch.losses) * step_s]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", default="tiny-qwen")
    parser.add_argument("--folder", type=Path, default=Path(".bench/planner"), help="kept, and used again")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--heads", nargs="+", default=["flat", "factorised"])
    parser.add_argument("--inits", nargs="+", default=[ENCODER, RANDOM])
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument("--language", default="both")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=JSON", help="other hyperparameters of planner")
    parser.add_argument("--eval-steps", type=int, default=20)
    parser.add_argument("--limit-eval", type=int, default=300)
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--encoder-steps", type=int, default=20)
    parser.add_argument("--encoder-limit-eval", type=int, default=126, help="descriptions looked at; 0 for all")
    parser.add_argument("--encoder-batch", type=int, default=32)
    parser.add_argument("--encoder-rate", type=float, default=1e-3)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    world = World(folder=arguments.folder, base=arguments.base)
    plans = world.plans(PlanParameters(samples=arguments.samples, language=arguments.language))
    others = settings(arguments.set)
    rows = []
    for seed in arguments.seeds:
        for head in arguments.heads:
            for init in arguments.inits:
                hyperparameters = {
                    "config_head": head,
                    "init": init,
                    "seed": seed,
                    "max_steps": arguments.steps,
                    "num_epochs": 0.0,
                    "batch_size": arguments.batch,
                    "learning_rate": arguments.rate,
                    "eval_steps": arguments.eval_steps,
                    "limit_eval": arguments.limit_eval,
                    "precision": arguments.precision,
                    **others,
                }
                print(f"{arguments.base}, {head}, {init}, seed {seed}", flush=True)
                parent = phase_0(world, arguments) if init == ENCODER else None
                job = world.job(f"{head}-{init}-{seed}", plans, hyperparameters, parent=parent)
                rows.append(row([head, init, seed], *run(job)))
    columns = ["head", "init", "seed", "tool", "config", "unaided", "fits", "regret ms", "regret %"]
    columns += ["steps / CPU s to tool 95 %", "to config 95 %", "CPU s"]
    print_table("Planner", columns, rows, vars(arguments))


if __name__ == "__main__":
    main()

r"""One plan by the planner beside the same base writing the plan as JSON, token by token, as one would do today.

The planner reads task and state and answers in one pass; its configuration is always one of the tool's. Two others
write until their JSON object is closed:

- taught: the same base, taught with the recipe text-sft (adapters on all its linear layers) on the planner's own
  training split. It is told the task, what is free now and what is free one step later if use goes on as before.
- untaught: the base as it is, shown the tools, what is free, an example and the task.

What they write is valid when it is JSON, names a tool of the profile, and its numbers are those of one of the tool's
configurations. All answer each plan, one after the other, and the ratios are of times for the same plan.

Columns: "exact" is the share of plans whose configuration is the oracle's; "fits" the share whose configuration fits
what is free, where anything does; what is no valid plan counts as neither. "regret %" is how much slower the plans are
than the oracle's where anything fits, over the valid ones; one that does not fit, or is for another job, is charged
with the job's slowest configuration.

Without --planner the planner's heads are untrained: how long it takes does not depend on what they have learnt, and
only times are shown. Examples:

  python -m bench.planner
  python -m bench.planner --base smollm2-135m --folder F --samples 20000 --teach-steps 500 --teach-only
  python -m bench.planner --base smollm2-135m --folder F --samples 20000 --teach-steps 500 \
      --planner F/bundles/smollm2-135m-factorised-encoder-0 --plans 200

The last two may run on two machines: copy F. What lies in F is made once and used again: bases, plans, conversations
and bundles.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch

from bench.measure import median, print_table, ratios
from bench.planner_contenders import Contender, measure, planner_contender, untrained_planner
from bench.planner_teaching import Lesson, how_taught, taught
from bench.planner_world import World
from bench.planner_writer import taught_writer, untaught_writer
from shared.modeling.planner.predictor import load
from shared.planning.tasks import LANGUAGES
from svc_label.labelers.plan_oracle import BOTH, PlanParameters
from svc_train.recipes.base import DatasetSource
from svc_train.recipes.planner.config import PlannerConfig
from svc_train.recipes.planner.data import PlanData, read_data
from svc_train.recipes.planner.evaluate import evaluate


def writers_of(world: World, data: PlanData, asked: argparse.Namespace) -> list[Contender]:
    """The writers that were asked for."""
    base_folder, capacity = world.base_source().folder, data.demand.capacity
    found = []
    if asked.teach_steps:
        writer = taught_writer(taught_bundle(world, asked), base_folder, asked.device, capacity)
        found.append(Contender(name="JSON, taught", answers=writer.write, is_scored=True))
    if not asked.no_untaught:
        writer = untaught_writer(base_folder, asked.device, data.profile, capacity)
        found.append(Contender(name="JSON, untaught", answers=writer.write, is_scored=True))
    return found


def taught_bundle(world: World, asked: argparse.Namespace) -> Path:
    lesson = Lesson(
        steps=asked.teach_steps, batch=asked.batch, rate=asked.rate, precision=asked.precision, seed=asked.seed
    )
    return taught(world, _plans(world, asked), lesson)


def _plans(world: World, asked: argparse.Namespace) -> DatasetSource:
    return world.plans(PlanParameters(samples=asked.samples, language=asked.language))


def compare(world: World, asked: argparse.Namespace) -> None:
    """Measure, and print the table."""
    data = read_data(world.job("none", _plans(world, asked), {}), PlannerConfig(limit_eval=asked.plans))
    base_folder, is_trained = world.base_source().folder, asked.planner is not None
    planner = (
        load(asked.planner, base_folder, asked.device)
        if is_trained
        else untrained_planner(base_folder, data, asked.device)
    )
    ours, writers = planner_contender(planner, data, is_scored=is_trained), writers_of(world, data, asked)
    measure([ours, *writers], data)
    notes: dict[str, object] = {f"{one.name} / planner": f"{median(ratios(one.ms, ours.ms)):.1f}" for one in writers}
    if is_trained:
        found = evaluate(planner, data.held_out, data.demand)
        notes["planner before it looks up what fits: exact"] = f"{found['unaided_accuracy']:.1%}"
        notes["fits"] = f"{found.get('unaided_fitting', float('nan')):.1%}"
    if asked.teach_steps:
        notes["taught with"] = how_taught(taught_bundle(world, asked))
    notes |= {"plans": len(data.held_out), "where anything fits": sum(plan.is_feasible for plan in data.held_out)}
    notes |= {"base": world.base, "device": asked.device, "threads": torch.get_num_threads()}
    columns = ["one plan", "ms", "p99 ms", "valid", "exact", "fits", "regret %", "tokens written"]
    print_table("A plan", columns, [one.row(data) for one in (ours, *writers)], notes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="tiny-qwen", help="built-in base; smollm2-135m is the one to compare with")
    parser.add_argument("--folder", type=Path, default=Path(".bench/planner"), help="kept, and used again")
    parser.add_argument(
        "--planner", type=Path, help="bundle of a planner on that base, as bench.planner_study leaves it"
    )
    parser.add_argument("--plans", type=int, default=20, help="so many of the test split are measured")
    parser.add_argument("--samples", type=int, default=2000, help="plans made, a tenth of them to test on")
    parser.add_argument("--language", default="en", choices=(BOTH, *LANGUAGES), help="of the tasks")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"), help="to measure on")
    parser.add_argument("--no-untaught", action="store_true", help="leave out the base as it is, the slowest")
    teaching = parser.add_argument_group("teaching", "on a GPU where there is one, whatever --device says")
    teaching.add_argument("--teach-steps", type=int, default=0, help="optimiser steps; 0 leaves out what is taught")
    teaching.add_argument("--teach-only", action="store_true", help="measure nothing; done at once where it was taught")
    teaching.add_argument("--batch", type=int, default=32, help="plans a step")
    teaching.add_argument("--rate", type=float, default=1e-3, help="highest learning rate")
    teaching.add_argument("--precision", default="float32", choices=("float32", "bfloat16"))
    teaching.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    if asked.teach_only and not asked.teach_steps:
        parser.error("--teach-only needs --teach-steps")
    world = World(folder=asked.folder, base=asked.base)
    if asked.teach_only:
        print(how_taught(taught_bundle(world, asked)))
    else:
        compare(world, asked)


if __name__ == "__main__":
    main()

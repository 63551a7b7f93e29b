"""The base taught with `text-sft` to write plans as JSON, on the planner's own training set."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from bench.planner_world import World
from bench.planner_writer import plan_text, question_of
from shared.contracts.chat import CHAT_FILE, Conversation, Speaker, Turn
from shared.modeling.bundle import read_info
from svc_train.recipes.base import Checkpoint, DatasetSource, Progress, find_recipe
from svc_train.recipes.planner.config import PlannerConfig
from svc_train.recipes.planner.data import PlanData, read_data

TOLD = ("batch_size", "learning_rate", "precision", "max_steps", "seed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """How the base is taught.

    Args:
        batch: plans a step.
    """

    steps: int
    batch: int
    rate: float
    precision: str
    seed: int


def taught(world: World, plans: DatasetSource, lesson: Lesson) -> Path:
    """The bundle of the base that was taught; it is taught now where the bundle is not there yet.

    The bundle's name holds the plans, the steps and the seed. Batch, rate and precision are those it was once taught
    with (see `how_taught`), and may be left out when it is used again.
    """
    name = f"json-{plans.folder.name}-{lesson.steps}-{lesson.seed}"
    hyperparameters = {
        "max_steps": lesson.steps,
        "num_epochs": 0.0,
        "batch_size": lesson.batch,
        "learning_rate": lesson.rate,
        "precision": lesson.precision,
        "seed": lesson.seed,
        "eval_steps": max(lesson.steps // 5, 1),
        "eval_fraction": 0.01,
        "max_length": 512,
        # Conversations are about equally long: a row of each wastes little, and a batch counts plans.
        "packing": False,
    }
    bundle = world.job(name, plans, {}).bundle_dir
    if not (bundle / "certificate.json").is_file():
        job = world.job(name, _conversations(world, plans), hyperparameters)
        print(f"teaching {world.base} to write plans as JSON: {hyperparameters}", flush=True)
        began = time.monotonic()
        result = find_recipe("text-sft").train(job, _tell)
        sizes = {key: f"{value:.4g}" for key, value in result.metrics.items()}
        print(f"  {time.monotonic() - began:.0f} s on {result.device}; {sizes}; in {bundle}", flush=True)
    return bundle


def how_taught(bundle: Path) -> str:
    """What the bundle says of how it was taught."""
    info = read_info(bundle)
    loss = info.metrics.get("eval_loss", float("nan"))
    return ", ".join(f"{name} {info.hyperparameters[name]}" for name in TOLD) + f", eval_loss {loss:.4g}"


def _conversations(world: World, plans: DatasetSource) -> DatasetSource:
    """The plans' training split as `chat/v1`: asked is the task in the state, answered the plan."""
    folder = world.folder / f"chat-{plans.folder.name}"
    if not (folder / CHAT_FILE).is_file():
        data = read_data(world.job("none", plans, {}), PlannerConfig(limit_eval=1))
        folder.mkdir(parents=True, exist_ok=True)
        lines = b"".join(line + b"\n" for line in _lines(data))
        (folder / CHAT_FILE).write_bytes(lines)
    return DatasetSource(name="grid-chat", digest="d" * 64, folder=folder)


def _lines(data: PlanData) -> list[bytes]:
    rows = []
    for plan in data.train:
        question = Turn(speaker=Speaker.HUMAN, text=question_of(plan.asked, data.demand.capacity))
        answer = Turn(speaker=Speaker.GPT, text=plan_text(data.profile, plan.config_id))
        rows.append(Conversation(id=plan.asked.id, turns=(question, answer)).to_line())
    return rows


def _tell(said: Progress | Checkpoint) -> None:
    if isinstance(said, Progress) and (said.metrics or said.step % 10 == 0):
        told = "".join(f", {name} {value:.4g}" for name, value in said.metrics.items())
        print(
            f"  step {said.step} of {said.total_steps}: loss {said.loss:.4g}{told}, {said.elapsed_s:.0f} s", flush=True
        )

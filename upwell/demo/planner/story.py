"""From a table of measurements to a model that plans without being shown it."""

# ruff: noqa: RUF001 - Chinese has its own punctuation.

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table

from upwell.cli.output import counted, version_name
from upwell.demo.stage import Metric, Stage, Story, metrics_of
from upwell.demo.training import ALIAS, promote, publish_training, show_lineage, watch
from upwell.infer.v1 import plan_pb2
from upwell.profile_grid import write_grid
from upwell.registry.v1 import registry_service_pb2

PROFILE, PLANS, MEMORY, PLANNER = "grid", "grid-plans", "grid-memory", "grid-planner"
BASE = "tiny-qwen"
SAMPLES, WINDOW = 8000, 16
MEMORY_STEPS, PLANNER_STEPS = 40, 500
RATE = 3e-3
# As much as `plan-oracle` gives the system: a quarter more than the most demanding configuration needs.
FULL = {"cpu_cores": 40.0, "memory_gb": 160.0, "gpu_sm": 120.0, "gpu_memory_gb": 80.0}
TASKS = (
    ("Could resize-images take care of an input of size 16?", 0.1),
    ("Could resize-images take care of an input of size 16?", 0.9),
    ("能不能让 transcribe-speech 来处理这份规模 4 的输入？", 0.5),
    ("能不能让 transcribe-speech 来处理这份规模 4 的输入？", 0.999),
)


async def walk(stage: Stage) -> Sequence[Metric]:
    """Every step, in order."""
    await _ingest(stage)
    memory = await _remember(stage)
    await _make_plans(stage)
    planner = await _train(stage, memory)
    await promote(stage, planner)
    await _ask(stage)
    await show_lineage(stage, planner)
    return metrics_of(planner)


async def _ingest(stage: Stage) -> None:
    stage.narrator.step(
        "Ingest",
        "A registry of tools and a table of what each of their configurations costs, made by a stated cost model.",
    )
    path = stage.files / "grid.profile.zip"
    write_grid(path)
    made = await stage.upwell.ingest.file(path, name=PROFILE, source="profile")
    version = await stage.upwell.numbering.dataset(made.dataset)
    stage.narrator.say(f"{version_name(version.ref)}: {counted(made.rows, 'configuration')}")


async def _remember(stage: Stage) -> registry_service_pb2.ModelVersion:
    stage.narrator.step(
        "Remember",
        "planner-encoder makes one embedding of each configuration, for a frozen language model to read back. The "
        "demo's tiny one is untaught and cannot read yet: take smollm2-135m for that.",
    )
    run_id = await publish_training(
        stage,
        {
            "recipe": "planner-encoder",
            "dataset": PROFILE,
            "model": MEMORY,
            "base": BASE,
            "hyperparameters": {"max_steps": MEMORY_STEPS},
        },
    )
    return await watch(stage, run_id)


async def _make_plans(stage: Stage) -> None:
    stage.narrator.step(
        "Make plans",
        "plan-oracle writes tasks in Chinese and English, draws states of the system, and computes the best plan.",
    )
    job = await stage.label(PROFILE, "plan-oracle", output=PLANS, samples=SAMPLES, window=WINDOW)
    version = await stage.upwell.numbering.dataset(job.output)
    stage.narrator.say(f"{version_name(version.ref)}: {counted(SAMPLES, 'plan')}, a tenth of them held out")


async def _train(stage: Stage, memory: registry_service_pb2.ModelVersion) -> registry_service_pb2.ModelVersion:
    stage.narrator.step(
        "Train", "The planner begins with the embeddings as its weights; no table is ever in its prompt."
    )
    run_id = await publish_training(
        stage,
        {
            "recipe": "planner",
            "dataset": PLANS,
            "model": PLANNER,
            "parent": version_name(memory.ref),
            "hyperparameters": {"max_steps": PLANNER_STEPS, "learning_rate": RATE},
        },
    )
    return await watch(stage, run_id)


async def _ask(stage: Stage) -> None:
    stage.narrator.step("Plan", "Tasks in words it was not trained on, and a system that is more or less busy.")
    table = Table()
    for column in ("task", "busy", "tool", "cores", "GiB", "SMs", "GPU GiB", "ms", "confidence"):
        table.add_column(column)
    for task, busy in TASKS:
        answer = await stage.upwell.infer.plan(f"{PLANNER}:{ALIAS}", task, _state(busy))
        table.add_row(task, f"{busy:.0%}", *_cells(answer))
    stage.narrator.show(table)


def _state(busy: float) -> list[Mapping[str, float]]:
    return [{name: busy * amount for name, amount in FULL.items()}] * WINDOW


def _cells(answer: plan_pb2.PlanResponse) -> Sequence[str]:
    choice = answer.choice
    numbers = ("cpu_cores", "memory_gb", "gpu_sm", "gpu_memory_gb", "latency_ms")
    confidence = f"{choice.confidence:.2f}" if answer.feasible else "nothing fits"
    return choice.tool, *(f"{choice.configuration[name]:g}" for name in numbers), confidence


STORY = Story(
    name="planner",
    walk=walk,
    where_next=(
        (f"upwell models show {PLANNER}", "versions, aliases, numbers"),
        (f"upwell history {PLANNER}@1", "both stages"),
        (f"upwell lineage {PROFILE} --down", "what was made from the table"),
    ),
)

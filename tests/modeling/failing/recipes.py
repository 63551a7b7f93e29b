"""Recipes that a test brings along, found as any recipe is: by an entry point of an installed package."""

from __future__ import annotations

import resource
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from svc_train.recipes.base import Progress, Report, TrainingJob, TrainingResult
from svc_train.recipes.hyperparameters import Rule, hyperparameter, parse

STEPS = 3
FEATURES = 8 * 2**20
# A micro-batch of 4 rows of 32 MiB and the gradient take 160 MiB; the 8 rows alone take 256.
ROOM_BYTES = 224 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class HungryConfig:
    batch_size: int = hyperparameter(8, Rule(help="Rows at once.", low=1))
    gradient_accumulation: int = hyperparameter(1, Rule(help="Micro-batches in a step.", low=1))
    seed: int = hyperparameter(0, Rule(help="Decides every random choice."))


class HungryRecipe:
    """A real linear regression in a process whose address space has an end."""

    name = "hungry"
    summary = "Needs memory."
    family = "fake"
    dataset_kinds: tuple[str, ...] = ("segments/v1",)
    parent_families: tuple[str, ...] = ()
    default_base = "tiny"
    config_type: type[Any] = HungryConfig

    def train(self, job: TrainingJob, report: Report) -> TrainingResult:
        import torch

        config = parse(HungryConfig, job.hyperparameters)
        model = torch.nn.Linear(FEATURES, 1, bias=False)
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-9)
        # The autograd engine starts its threads once.
        torch.ones(1, requires_grad=True).sum().backward()
        limit = address_space_bytes() + ROOM_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        for step in range(1, STEPS + 1):
            optimizer.zero_grad()
            loss = torch.zeros(())
            for _ in range(config.gradient_accumulation):
                loss = model(torch.ones(config.batch_size, FEATURES)).square().mean() / config.gradient_accumulation
                loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            report(
                Progress(
                    step=step,
                    total_steps=STEPS,
                    loss=loss.item(),
                    learning_rate=1e-9,
                    tokens=step * config.batch_size * config.gradient_accumulation,
                    elapsed_s=float(step),
                )
            )
        job.bundle_dir.mkdir(parents=True)
        (job.bundle_dir / "bundle.json").write_text('{"dtype": "float32"}')
        return TrainingResult(metrics={}, total_steps=STEPS, tokens=1, device="cpu")


def address_space_bytes() -> int:
    """Of this process, now."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


HUNGRY = HungryRecipe()


def install(folder: Path, entry_points: Mapping[str, str]) -> Path:
    """A package that brings recipes, as a folder for the path of a Python process."""
    info = folder / "brought_recipes-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: brought-recipes\nVersion: 1.0\n")
    lines = [f"{name} = {target}" for name, target in entry_points.items()]
    (info / "entry_points.txt").write_text("\n".join(["[upwell.recipes]", *lines, ""]))
    return folder

"""A small regression that trains in milliseconds: every part of the loop is real, only the network is small."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from svc_train.recipes.base import BaseSource, Checkpoint, DatasetSource, Progress, TrainingJob
from svc_train.recipes.training.knobs import CommonConfig
from svc_train.recipes.training.loop import Outcome, Trainer
from svc_train.recipes.training.sampling import Shuffled
from svc_train.recipes.training.task import TensorBatch, Watched
from svc_train.recipes.training.workers import Workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Points(TensorBatch):
    inputs: Tensor
    targets: Tensor
    weights: tuple[float, ...]
    tokens: int


class ToyTask:
    """Fits sums; examples have weights of their own, so that a mean of means would be wrong."""

    watched: Watched | None = Watched(name="error", larger_is_better=False)

    def __init__(self, *, dropout: float = 0.0) -> None:
        self.network: nn.Module = nn.Sequential(
            nn.Linear(4, 16), nn.BatchNorm1d(16, momentum=0.5) if dropout else nn.Identity(), nn.Tanh(),
            nn.Dropout(dropout), nn.Linear(16, 1),
        )  # fmt: skip
        self.errors: list[float] = []
        self.evaluations = 0

    def collate(self, examples: Sequence[int]) -> Points:
        generator = torch.Generator().manual_seed(0)
        table = torch.randn(64, 4, generator=generator)
        inputs = table[torch.tensor(examples)]
        return Points(
            inputs=inputs,
            targets=inputs.sum(1) + torch.tensor(examples) / 64,
            weights=(float(sum(1 + example % 3 for example in examples)),),
            tokens=4 * len(examples),
        )

    def loss(self, batch: Points, totals: Sequence[float]) -> Tensor:
        per_example = (self.network(batch.inputs)[:, 0] - batch.targets).square()
        return per_example.sum() / totals[0]

    def evaluate(self) -> dict[str, float]:
        self.evaluations += 1
        if self.errors:
            return {"error": self.errors.pop(0)}
        with torch.no_grad():
            batch = self.collate(range(48, 64))
            return {"error": float((self.network(batch.inputs)[:, 0] - batch.targets).square().mean())}


def toy_job(folder: Path, *, checkpoints: bool = True, resume_from: Path | None = None, base: str = "b") -> TrainingJob:
    return TrainingJob(
        hyperparameters={},
        base=BaseSource(name="toy", digest=base * 64, folder=folder),
        training_set=DatasetSource(name="points", digest="d" * 64, folder=folder),
        series=(),
        bundle_dir=folder / "bundle",
        checkpoints_dir=folder / "checkpoints" if checkpoints else None,
        resume_from=resume_from,
    )


class Told:
    """What a training reported."""

    def __init__(self) -> None:
        self.progress: list[Progress] = []
        self.checkpoints: list[Checkpoint] = []
        self.when_told: Callable[[Progress | Checkpoint], None] = lambda _: None

    def __call__(self, happened: Progress | Checkpoint) -> None:
        if isinstance(happened, Checkpoint):
            self.checkpoints.append(happened)
        else:
            self.progress.append(happened)
        self.when_told(happened)

    @property
    def losses(self) -> list[float]:
        return [progress.loss for progress in self.progress]


def train_toy(task: ToyTask, job: TrainingJob, told: Told, *, seed: int = 0, **knobs: Any) -> Outcome:
    config = CommonConfig(**{"max_steps": 12, "batch_size": 4, "num_epochs": 0.0, "seed": seed, **knobs})
    return Trainer(
        task=task,
        examples=Shuffled(range(48), seed=config.seed),
        config=config,
        job=job,
        report=told,
        workers=Workers(rank=0, size=1, device=torch.device("cpu")),
    ).train()


def toy(*, seed: int = 0, dropout: float = 0.0) -> ToyTask:
    torch.manual_seed(seed)
    return ToyTask(dropout=dropout)

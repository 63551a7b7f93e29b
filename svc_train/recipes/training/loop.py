"""The loop: optimiser steps from where the training stands to its end. On a CPU it is repeatable to the last bit.

The loss of a step is a mean over all its examples, however they are cut into batches and shared among workers.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from shared.errors import InvalidInputError
from svc_train.recipes.base import Checkpoint, Monitor, Progress, Report, TrainingJob
from svc_train.recipes.failure import TrainingFailedError
from svc_train.recipes.hyperparameters import FIELD
from svc_train.recipes.stopping import FollowerDoneError, StoppedTrainingError
from svc_train.recipes.training.checkpoints import Standing, load_checkpoint, save_checkpoint
from svc_train.recipes.training.knobs import BFLOAT16, CommonConfig, decisive
from svc_train.recipes.training.optimizer import make_optimizer, trained
from svc_train.recipes.training.sampling import Examples
from svc_train.recipes.training.schedule import learning_rate, total_steps
from svc_train.recipes.training.task import BatchT, Task
from svc_train.recipes.training.workers import Workers

ExampleT = TypeVar("ExampleT")
# Writing checkpoints by time takes at most this share of a training, however slow the disk is.
CHECKPOINT_SHARE = 0.05
# Before the first step of a smoke run there is an evaluation; its numbers carry this in front of their names.
BEFORE = "before_"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A training that ended well: steps done, passes over the examples, tokens read, numbers of the last evaluation."""

    steps: int
    epochs: float
    tokens: int
    metrics: Mapping[str, float]


class Trainer(Generic[ExampleT, BatchT]):
    """Trains one task; see `train`.

    Args:
        task: the network and how it learns; the network is on the workers' device, built from the same seed in all.
        examples: their order.
        config: the recipe's.
        job: where checkpoints go and come from, and whether to stop.
        report: told of steps and checkpoints, on the first worker only.
        workers: who trains together.
    """

    def __init__(
        self,
        *,
        task: Task[ExampleT, BatchT],
        examples: Examples[ExampleT],
        config: CommonConfig,
        job: TrainingJob,
        report: Report,
        workers: Workers,
    ) -> None:
        if config.examples_per_step < workers.size:
            raise InvalidInputError.of(
                f"{FIELD}.batch_size",
                f"{config.batch_size} x gradient_accumulation are {config.examples_per_step} examples a step; "
                f"{workers.size} workers need as many",
            )
        self._task, self._network = task, task.network
        self._examples, self._config, self._job, self._report = examples, config, job, report
        self._workers = workers
        self._parameters = list(trained(task.network).values())
        self._optimizer = make_optimizer(task.network, config)
        self._total = total_steps(config, epoch_size=examples.epoch_size)
        self._standing = Standing()
        self._started = self._saved_at = time.monotonic()
        self._evaluated_s = 0.0
        self._pause_s = config.checkpoint_seconds

    def train(self) -> Outcome:
        """Train from where the training stands to its end.

        Raises:
            TrainingFailedError: the loss is no longer a number.
            InvalidInputError: the checkpoint to go on from was made for another run.
            IntegrityError: that checkpoint is damaged.
            StoppedTrainingError: the job was asked to stop; a checkpoint of the last step is written.
            FollowerDoneError: this is not the first worker, and its part is done.
            OSError: a checkpoint cannot be written.
        """
        self._resume()
        before = self._evaluation() if self._config.smoke and not self._standing.step else {}
        # Without a checkpoint to leave there is nothing to wait for.
        with self._job.stop.heeded() if self._job.checkpoints_dir else nullcontext():
            while not self._is_done():
                self._step({f"{BEFORE}{name}": value for name, value in before.items()})
        if not self._workers.is_first:
            raise FollowerDoneError
        self._network.eval()
        return Outcome(
            steps=self._standing.step,
            epochs=self._standing.step * self._config.examples_per_step / self._examples.epoch_size,
            tokens=self._standing.tokens,
            metrics=self._standing.metrics,
        )

    def _resume(self) -> None:
        folder = self._job.resume_from
        if folder is not None:
            self._standing, state = load_checkpoint(
                folder, network=self._network, optimizer=self._optimizer, purpose=self._purpose()
            )
            self._examples.restore(state)
            log.info("going on from %s of %d steps", folder.name, self._total)
        if not self._workers.is_first:
            # What is random in the network, dropout say, must not be the same on all workers' examples.
            seeds = np.random.SeedSequence([self._config.seed, self._workers.rank, self._standing.step])
            torch.manual_seed(int(seeds.generate_state(1)[0]))
        self._started = self._saved_at = time.monotonic()
        self._started -= self._standing.elapsed_s

    def _purpose(self) -> dict[str, Any]:
        job = self._job
        return {
            **decisive(self._config),
            "base": job.base.digest if job.base else "",
            "training_set": job.training_set.digest,
            "series": [one.digest for one in job.series],
            "parent": job.parent.run_id if job.parent else "",
            "steps": self._total,
        }

    def _is_done(self) -> bool:
        patience = self._config.early_stopping_patience
        ended = self._standing.is_learnt or self._standing.step >= self._total
        return ended or bool(patience and self._standing.since_best >= patience)

    def _step(self, before: Mapping[str, float]) -> None:
        step = self._standing.step + 1
        rate = learning_rate(step, self._total, self._config)
        loss, norm, tokens, stop = self._optimise(step, rate)
        is_learnt = self._config.target_loss > 0 and loss < self._config.target_loss
        standing = replace(self._standing, step=step, tokens=self._standing.tokens + tokens, is_learnt=is_learnt)
        metrics: dict[str, float] = {}
        if is_learnt or step == self._total or (self._config.eval_steps and step % self._config.eval_steps == 0):
            metrics = {**before, **self._evaluation()}
            _check_numbers(metrics, step)
            standing = self._evaluated(standing, metrics)
        self._standing = replace(standing, elapsed_s=time.monotonic() - self._started)
        if not self._workers.is_first:
            if stop:
                raise StoppedTrainingError
            return
        self._report(
            Progress(
                step=step,
                total_steps=self._total,
                loss=loss,
                learning_rate=rate,
                tokens=self._standing.tokens,
                elapsed_s=self._standing.elapsed_s,
                evaluated_s=self._evaluated_s,
                gradient_norm=norm,
                metrics=metrics,
            )
        )
        if stop or self._is_checkpoint_due():
            self._save()
        if stop:
            raise StoppedTrainingError

    def _optimise(self, step: int, rate: float) -> tuple[float, float, int, bool]:
        """One step of the optimiser.

        The loss before it and the length of its gradient, the tokens read, and whether anybody was asked to stop.
        """
        batches = self._batches()
        weights = [sum(column) for column in zip(*(batch.weights for batch in batches), strict=True)]
        *totals, tokens = self._totals(weights, sum(batch.tokens for batch in batches))
        self._network.train()
        self._optimizer.zero_grad(set_to_none=True)
        loss = torch.zeros((), device=self._workers.device)
        for batch in batches:
            loss += self._backward(batch, totals)
        stop = torch.full((), float(self._job.stop.requested), device=self._workers.device)
        self._workers.add_up([*self._gradients(), loss, stop])
        norm = nn.utils.clip_grad_norm_(self._parameters, self._config.max_grad_norm)
        # The one moment of the step at which the CPU waits for the device.
        told_loss, told_norm, told_stop = torch.stack([loss, norm, stop]).tolist()
        if not math.isfinite(told_loss) or not math.isfinite(told_norm):
            raise TrainingFailedError(
                cause="nan_loss",
                reason=f"The loss is {told_loss} at step {step} (gradient norm {told_norm:.3g}).",
                remedy=f"Lower learning_rate (now {self._config.learning_rate:g}), or raise warmup_steps.",
            )
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.step()
        return told_loss, told_norm, int(tokens), told_stop > 0

    def _batches(self) -> Sequence[BatchT]:
        """This worker's share of the step's examples, in batches of at most `batch_size`."""
        share = self._workers.share(self._examples.draw(self._config.examples_per_step))
        size = self._config.batch_size
        batches = [self._task.collate(share[i : i + size]) for i in range(0, len(share), size)]
        return [batch.pin_memory() for batch in batches] if self._workers.device.type == "cuda" else batches

    def _totals(self, weights: Sequence[float], tokens: int) -> list[float]:
        return self._workers.totals([*weights, tokens])

    def _backward(self, batch: BatchT, totals: Sequence[float]) -> Tensor:
        device = self._workers.device
        with torch.autocast(device.type, torch.bfloat16, enabled=self._config.precision == BFLOAT16):
            loss = self._task.loss(batch.to(device, non_blocking=True), totals)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def _gradients(self) -> list[Tensor]:
        """Those that the workers add up; with one worker there is nobody to add to."""
        if self._workers.size == 1:
            return []
        for parameter in self._parameters:
            if parameter.grad is None:  # another worker's examples may have reached it
                parameter.grad = torch.zeros_like(parameter)
        return [parameter.grad for parameter in self._parameters if parameter.grad is not None]

    def _evaluation(self) -> Mapping[str, float]:
        self._network.eval()
        began = time.monotonic()
        found = dict(self._task.evaluate()) if self._workers.is_first else {}
        self._evaluated_s += time.monotonic() - began
        return found

    def _evaluated(self, standing: Standing, metrics: Mapping[str, float]) -> Standing:
        watched = self._task.watched
        value = metrics.get(watched.name) if watched else None
        since = standing.since_best
        best = standing.best
        if watched is not None and value is not None:
            better = watched.better(value, best)
            best, since = (value, 0) if better else (best, since + 1)
        # The others do not evaluate, and must end when the first one does.
        return replace(standing, metrics=metrics, best=best, since_best=int(self._workers.told_by_first(since)))

    def _is_checkpoint_due(self) -> bool:
        if self._job.checkpoints_dir is None:
            return False
        if self._config.checkpoint_steps:
            return self._standing.step % self._config.checkpoint_steps == 0
        return bool(self._config.checkpoint_seconds) and time.monotonic() - self._saved_at >= self._pause_s

    def _save(self) -> None:
        if self._job.checkpoints_dir is None:
            return
        begun = time.monotonic()
        save_checkpoint(
            self._job.checkpoints_dir,
            self._standing,
            network=self._network,
            optimizer=self._optimizer,
            examples=self._examples.state(),
            purpose=self._purpose(),
        )
        self._saved_at = time.monotonic()
        self._pause_s = max(self._config.checkpoint_seconds, (self._saved_at - begun) / CHECKPOINT_SHARE)
        self._report(Checkpoint(step=self._standing.step, metrics=self._standing.metrics, monitor=self._monitor()))

    def _monitor(self) -> Monitor | None:
        watched = self._task.watched
        if watched is None or watched.name not in self._standing.metrics:
            return None
        return Monitor(
            name=watched.name,
            value=self._standing.metrics[watched.name],
            larger_is_better=watched.larger_is_better,
        )


def _check_numbers(metrics: Mapping[str, float], step: int) -> None:
    """A model that answers with what is no number is of no use, and neither is a checkpoint of it."""
    wrong = [f"{name} is {value}" for name, value in metrics.items() if not math.isfinite(value)]
    if wrong:
        raise TrainingFailedError(
            cause="nan_loss",
            reason=f"The evaluation after step {step} gives no numbers: {', '.join(wrong[:3])}.",
            remedy="Lower learning_rate, or raise warmup_steps.",
        )

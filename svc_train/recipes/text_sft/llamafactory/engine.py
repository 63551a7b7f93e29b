"""Train with LLaMA-Factory: write what it reads, follow it, take what it learnt back into our network."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared.errors import InvalidInputError
from svc_train.recipes.base import Progress, Report, TrainingJob
from svc_train.recipes.failure import TrainingFailedError
from svc_train.recipes.hyperparameters import FIELD
from svc_train.recipes.text_sft.config import FULL, LLAMAFACTORY, TextSftConfig
from svc_train.recipes.text_sft.data import TextData
from svc_train.recipes.text_sft.llamafactory.adapter import take_adapter
from svc_train.recipes.text_sft.llamafactory.files import OUTPUT_FOLDER, write_files
from svc_train.recipes.text_sft.llamafactory.process import run
from svc_train.recipes.text_sft.task import TextTask
from svc_train.recipes.training.loop import BEFORE, Outcome

if TYPE_CHECKING:
    from transformers import PreTrainedModel

CLI_VARIABLE = "UPWELL_LLAMAFACTORY_CLI"

log = logging.getLogger(__name__)


def train_with_llamafactory(
    job: TrainingJob, config: TextSftConfig, data: TextData, task: TextTask, report: Report
) -> Outcome:
    """Train the adapters of the task's network, and evaluate it as ever.

    It leaves no checkpoints that another attempt could go on from: such an attempt begins again.

    Raises:
        InvalidInputError: the run asks for what this engine does not do.
        TrainingFailedError: the command is not configured, cannot be started, or failed; or the loss became NaN.
        IntegrityError: it left other adapters than were asked for.
    """
    _check(job, config)
    before = _evaluated(task) if config.smoke else {}
    folder = job.bundle_dir.parent / LLAMAFACTORY
    path = write_files(
        folder,
        base=job.needed_base.folder,
        config=config,
        conversations=data.train_texts,
        device=task.network.device.type,
    )
    steps, epochs, tokens, last = 0, 0.0, 0, None
    started = time.monotonic()
    for line in run(_cli(), path, folder / OUTPUT_FOLDER):
        steps, epochs = int(line["current_steps"]), float(line.get("epoch") or epochs)
        tokens = int(line.get("total_tokens") or tokens)
        if "loss" in line:
            last = _progress(line, tokens, time.monotonic() - started)
            report(last)
    if last is None:
        raise TrainingFailedError(
            cause="llamafactory_failed",
            reason="llamafactory-cli ended well and told of no step.",
            remedy="See the run's log.",
        )
    take_adapter(task.network, folder / OUTPUT_FOLDER)
    metrics = {**{f"{BEFORE}{name}": value for name, value in before.items()}, **_evaluated(task)}
    return Outcome(steps=steps, epochs=epochs, tokens=tokens, metrics=metrics)


def _check(job: TrainingJob, config: TextSftConfig) -> None:
    if config.method == FULL:
        raise InvalidInputError.of(f"{FIELD}.engine", f"{LLAMAFACTORY} trains adapters here: use method lora or qlora")
    if job.parent is not None:
        raise InvalidInputError.of(f"{FIELD}.engine", f"{LLAMAFACTORY} begins at a base: leave the parent out")
    if config.early_stopping_patience:
        reason = f"{LLAMAFACTORY} does not stop early: leave it out, or use engine=upwell"
        raise InvalidInputError.of(f"{FIELD}.early_stopping_patience", reason)
    if config.eval_steps:
        log.warning("eval_steps is not heeded: with the engine %s a run is evaluated at its end", LLAMAFACTORY)


def _cli() -> str:
    command = os.environ.get(CLI_VARIABLE, "")
    if not command:
        raise TrainingFailedError(
            cause="llamafactory_missing",
            reason=f"The engine {LLAMAFACTORY} is not configured on this server.",
            remedy=f"Let {CLI_VARIABLE} of svc_train name its llamafactory-cli, or use engine=upwell.",
        )
    return command


def _progress(line: Mapping[str, Any], tokens: int, elapsed_s: float) -> Progress:
    step, loss = int(line["current_steps"]), float(line["loss"])
    if not math.isfinite(loss):
        raise TrainingFailedError(
            cause="nan_loss", reason=f"The loss is {loss} at step {step}.", remedy="Lower learning_rate."
        )
    return Progress(
        step=step,
        total_steps=int(line["total_steps"]),
        loss=loss,
        learning_rate=float(line.get("lr") or 0.0),
        tokens=tokens,
        elapsed_s=elapsed_s,
    )


def _evaluated(task: TextTask) -> dict[str, float]:
    network: PreTrainedModel = task.network
    network.eval()  # type: ignore[no-untyped-call]
    return dict(task.evaluate())

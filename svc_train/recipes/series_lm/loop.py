"""The training loop of `series-lm`: windows in, a trained network out. On a CPU equal seeds give equal losses."""

# ruff: noqa: N803, N806 - names end in their shape, in capitals

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from shared.modeling.series.network import SeriesLM, WindowLogits
from shared.modeling.series.spec import SeriesSpec
from shared.modeling.series.tensors import WindowBatch, encode_windows
from svc_train.recipes.base import Progress
from svc_train.recipes.failure import TrainingFailedError
from svc_train.recipes.series_lm.config import SeriesLMConfig
from svc_train.recipes.series_lm.data import NORMAL
from svc_train.recipes.series_lm.sampling import LabelledWindow, WindowSampler

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Target of a point that teaches nothing: behind the end of its series, or not measured.
IGNORED = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainer:
    """What a training needs beside its data.

    Args:
        evaluate: held-out numbers of the network as it is; called in eval mode.
    """

    network: SeriesLM
    tokenizer: PreTrainedTokenizerBase
    spec: SeriesSpec
    config: SeriesLMConfig
    evaluate: Callable[[], Mapping[str, float]]

    def steps(self, sampler: WindowSampler) -> Iterator[Progress]:
        """Train, giving the progress after each step.

        Raises:
            TrainingFailedError: the loss is no longer a number.
        """
        optimizer = make_optimizer(self.network, self.config)
        device = self.network.decoder.device
        tokens, started = 0, time.monotonic()
        for step in range(1, self.config.max_steps + 1):
            rate = learning_rate(step, self.config)
            for group in optimizer.param_groups:
                group["lr"] = rate
            batch, targets_BT = make_batch(sampler.draw(self.config.batch_size), self.spec, self.tokenizer)
            loss = self._step(optimizer, batch.to(device), targets_BT.to(device), step)
            tokens += 2 * batch.tokens
            yield Progress(
                step=step,
                total_steps=self.config.max_steps,
                loss=loss,
                learning_rate=rate,
                tokens=tokens,
                elapsed_s=time.monotonic() - started,
                metrics=self._metrics(step),
            )

    def _step(self, optimizer: torch.optim.Optimizer, batch: WindowBatch, targets_BT: Tensor, step: int) -> float:
        self.network.train()
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(self.network(batch), targets_BT, self.config)
        loss.backward()  # type: ignore[no-untyped-call]
        trained = [p for group in optimizer.param_groups for p in group["params"]]
        norm = nn.utils.clip_grad_norm_(trained, self.config.max_grad_norm)
        if not math.isfinite(loss.item()) or not torch.isfinite(norm):
            raise TrainingFailedError(
                cause="nan_loss",
                reason=f"The loss is {loss.item()} at step {step} (gradient norm {norm.item():.3g}).",
                remedy=f"Lower learning_rate (now {self.config.learning_rate:g}), or raise warmup_steps.",
            )
        optimizer.step()
        return loss.item()

    def _metrics(self, step: int) -> Mapping[str, float]:
        due = step == self.config.max_steps or (self.config.eval_steps and step % self.config.eval_steps == 0)
        if not due:
            return {}
        self.network.eval()
        return self.evaluate()


def make_optimizer(network: SeriesLM, config: SeriesLMConfig) -> torch.optim.AdamW:
    """AdamW (Loshchilov and Hutter, 2019) over what is trained; only matrices decay."""
    trained = [p for p in network.parameters() if p.requires_grad]
    return torch.optim.AdamW(
        [
            {"params": [p for p in trained if p.ndim > 1], "weight_decay": config.weight_decay},
            {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=config.learning_rate,
        betas=(0.9, 0.98),
    )


def learning_rate(step: int, config: SeriesLMConfig) -> float:
    """Linear warm-up to the highest rate, then a cosine to a tenth of it; `step` counts from 1."""
    warmup = min(config.warmup_steps, config.max_steps - 1)
    if step <= warmup:
        return config.learning_rate * step / warmup
    done = (step - warmup) / max(config.max_steps - warmup, 1)
    return config.learning_rate * (0.1 + 0.9 * (1 + math.cos(math.pi * done)) / 2)


def make_batch(
    windows: Sequence[LabelledWindow], spec: SeriesSpec, tokenizer: PreTrainedTokenizerBase
) -> tuple[WindowBatch, Tensor]:
    """The batch and the target of each point (int64 [B, T]): `IGNORED`, normal, or 1 + label."""
    batch = encode_windows([w.values for w in windows], spec, tokenizer)
    targets_BT = np.full((len(windows), spec.window), IGNORED)
    for row, window in enumerate(windows):
        targets_BT[row, : len(window.targets)] = window.targets
    return batch, torch.where(batch.observed_BT, torch.from_numpy(targets_BT), IGNORED)


def loss_of(logits: WindowLogits, targets_BT: Tensor, config: SeriesLMConfig) -> Tensor:
    """Binary cross-entropy of the scores, plus cross-entropy of the labels of labelled points."""
    known_BT, labelled_BT = targets_BT != IGNORED, targets_BT > NORMAL
    score_loss = nn.functional.binary_cross_entropy_with_logits(
        logits.score_BT[known_BT],
        labelled_BT[known_BT].float(),
        pos_weight=torch.tensor(config.pos_weight, device=targets_BT.device),
    )
    if logits.label_BTL.shape[-1] == 0 or not labelled_BT.any():
        return score_loss
    label_loss = nn.functional.cross_entropy(logits.label_BTL[labelled_BT], targets_BT[labelled_BT] - 1)
    return score_loss + config.label_weight * label_loss

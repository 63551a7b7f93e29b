"""How a SeriesLM learns: windows to batches, and the loss of what it says of them."""

# ruff: noqa: N803, N806, N815 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor, nn

from shared.modeling.series.network import SeriesLM, WindowLogits
from shared.modeling.series.predictor import SeriesPredictor
from shared.modeling.series.spec import SeriesSpec
from shared.modeling.series.tensors import WindowBatch, encode_windows
from svc_train.recipes.series_lm.config import SeriesLMConfig
from svc_train.recipes.series_lm.data import NORMAL, Track
from svc_train.recipes.series_lm.evaluate import evaluate
from svc_train.recipes.series_lm.sampling import LabelledWindow
from svc_train.recipes.training.task import TensorBatch, Watched

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Target of a point that teaches nothing: behind the end of its series, or not measured.
IGNORED = -1
WATCHED = Watched(name="average_precision", larger_is_better=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledBatch(TensorBatch):
    """Windows and the target of each point.

    Args:
        targets_BT: int64: `IGNORED`, normal, or 1 + label.
        weights: points that are known, and points that are labelled.
        tokens: the language model reads, in both directions.
    """

    windows: WindowBatch
    targets_BT: Tensor
    weights: tuple[float, ...]
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesTask:
    """See `Task`.

    Args:
        predictor: the network as it will serve; evaluation goes through it.
        held_out: what it is evaluated on.
    """

    network: nn.Module
    predictor: SeriesPredictor
    tokenizer: PreTrainedTokenizerBase
    spec: SeriesSpec
    config: SeriesLMConfig
    held_out: Sequence[Track]

    @property
    def watched(self) -> Watched | None:
        """The ranking of points."""
        return WATCHED if self.held_out else None

    def collate(self, examples: Sequence[LabelledWindow]) -> LabelledBatch:
        """See `make_batch`."""
        return make_batch(examples, self.spec, self.tokenizer)

    def loss(self, batch: LabelledBatch, totals: Sequence[float]) -> Tensor:
        """See `loss_of`."""
        logits = cast("SeriesLM", self.network)(batch.windows)
        return loss_of(logits, batch.targets_BT, self.config, totals)

    def evaluate(self) -> Mapping[str, float]:
        """See `evaluate.evaluate`."""
        return evaluate(self.predictor, self.held_out)


def make_batch(
    windows: Sequence[LabelledWindow], spec: SeriesSpec, tokenizer: PreTrainedTokenizerBase
) -> LabelledBatch:
    """The batch on the CPU."""
    batch = encode_windows([w.values for w in windows], spec, tokenizer)
    targets_BT = np.full((len(windows), spec.window), IGNORED)
    for row, window in enumerate(windows):
        targets_BT[row, : len(window.targets)] = window.targets
    known_BT = torch.where(batch.observed_BT, torch.from_numpy(targets_BT), IGNORED)
    return LabelledBatch(
        windows=batch,
        targets_BT=known_BT,
        weights=(int((known_BT != IGNORED).sum()), int((known_BT > NORMAL).sum())),
        tokens=2 * batch.tokens,
    )


def loss_of(logits: WindowLogits, targets_BT: Tensor, config: SeriesLMConfig, totals: Sequence[float]) -> Tensor:
    """Binary cross-entropy of the scores, plus cross-entropy of the labels of labelled points.

    Each is a sum over the points of this batch, divided by the known (labelled) points of the whole step: `totals`.
    """
    known, labelled = totals
    known_BT, labelled_BT = targets_BT != IGNORED, targets_BT > NORMAL
    score_sum = nn.functional.binary_cross_entropy_with_logits(
        logits.score_BT[known_BT].float(),
        labelled_BT[known_BT].float(),
        pos_weight=torch.tensor(config.pos_weight, device=targets_BT.device),
        reduction="sum",
    )
    score_loss = score_sum / max(known, 1)
    if logits.label_BTL.shape[-1] == 0 or not labelled:
        return score_loss
    label_sum = nn.functional.cross_entropy(
        logits.label_BTL[labelled_BT].float(), targets_BT[labelled_BT] - 1, reduction="sum"
    )
    return score_loss + config.label_weight * (label_sum / labelled)

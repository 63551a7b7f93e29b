"""How a language model learns from conversations: rows to batches, the loss of the model's own turns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from shared.modeling.text.network import summed_loss
from shared.modeling.text.packing import Pack, TextRows, make_rows
from svc_train.recipes.text_sft.config import TextSftConfig
from svc_train.recipes.training.knobs import BFLOAT16
from svc_train.recipes.training.task import TensorBatch, Watched

if TYPE_CHECKING:
    from transformers import PreTrainedModel

WATCHED = Watched(name="eval_loss", larger_is_better=False)
# Above this the perplexity of an untaught model says nothing more.
LARGEST_EXPONENT = 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TextBatch(TensorBatch):
    """Rows, the number of taught tokens in them, and of all tokens."""

    rows: TextRows
    weights: tuple[float, ...]
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTask:
    """See `Task`.

    Args:
        held_out: what it is evaluated on.
    """

    network: PreTrainedModel
    config: TextSftConfig
    held_out: Sequence[Pack]

    @property
    def watched(self) -> Watched | None:
        """The loss on what is held out."""
        return WATCHED if self.held_out else None

    def collate(self, examples: Sequence[Pack]) -> TextBatch:
        """A batch on the CPU."""
        rows = make_rows(examples)
        return TextBatch(rows=rows, weights=(rows.taught,), tokens=sum(len(one) for row in examples for one in row))

    def loss(self, batch: TextBatch, totals: Sequence[float]) -> Tensor:
        """The mean over the taught tokens of the whole step."""
        return summed_loss(self.network, batch.rows) / max(totals[0], 1)

    @torch.inference_mode()
    def evaluate(self) -> Mapping[str, float]:
        """`eval_loss` and `eval_perplexity` over the `eval_tokens` the model has to say; empty without any."""
        device, size = self.network.device, self.config.batch_size
        added, taught = 0.0, 0.0
        for start in range(0, len(self.held_out), size):
            batch = self.collate(self.held_out[start : start + size])
            with torch.autocast(device.type, torch.bfloat16, enabled=self.config.precision == BFLOAT16):
                added += float(summed_loss(self.network, batch.to(device).rows))
            taught += batch.weights[0]
        if not taught:
            return {}
        loss = added / taught
        return {
            "eval_loss": loss,
            "eval_perplexity": math.exp(min(loss, LARGEST_EXPONENT)),
            "eval_tokens": taught,
        }

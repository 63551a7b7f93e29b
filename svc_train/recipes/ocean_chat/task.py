"""How the language model and what joins it to the Geoformer learn: the loss of the model's own turns."""

# ruff: noqa: N806 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from shared.modeling.ocean_chat.network import OceanChat, ReadFields, together
from shared.modeling.ocean_chat.predictor import OceanChatPredictor
from shared.modeling.text.network import summed_loss
from shared.modeling.text.packing import TextRows, make_rows
from svc_train.recipes.ocean_chat.config import OceanChatConfig
from svc_train.recipes.ocean_chat.data import Example
from svc_train.recipes.ocean_chat.evaluate import evaluate_answers
from svc_train.recipes.ocean_chat.reading import FieldReader
from svc_train.recipes.training.knobs import BFLOAT16
from svc_train.recipes.training.task import TensorBatch, Watched

WATCHED = Watched(name="eval_loss", larger_is_better=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OceanChatBatch(TensorBatch):
    """Rows, the fields at their places, the number of taught tokens in them, and of all tokens."""

    rows: TextRows
    fields: ReadFields | None
    weights: tuple[float, ...]
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OceanChatTask:
    """See `Task`.

    Args:
        reader: gives the fields as the network's Geoformer reads them.
        predictor: the network as it will serve; answers go through it.
        held_out: what it is evaluated on.
    """

    network: OceanChat
    reader: FieldReader
    predictor: OceanChatPredictor
    config: OceanChatConfig
    held_out: Sequence[Example]

    @property
    def watched(self) -> Watched | None:
        """The loss on what is held out."""
        return WATCHED if self.held_out else None

    def collate(self, examples: Sequence[Example]) -> OceanChatBatch:
        """A batch on the CPU."""
        rows = make_rows([(one.encoded,) for one in examples])
        return OceanChatBatch(
            rows=rows,
            fields=together([self.reader.read(file) for one in examples for file in one.files]),
            weights=(rows.taught,),
            tokens=sum(len(one.encoded) for one in examples),
        )

    def loss(self, batch: OceanChatBatch, totals: Sequence[float]) -> Tensor:
        """The mean over the taught tokens of the whole step."""
        return self._summed(batch) / max(totals[0], 1)

    def evaluate(self) -> Mapping[str, float]:
        """`eval_loss` over what is held out, and how true the answers are (see `evaluate_answers`)."""
        if not self.held_out:
            return {}
        added, taught = 0.0, 0.0
        device, size = self.network.model.device, self.config.batch_size
        for start in range(0, len(self.held_out), size):
            batch = self.collate(self.held_out[start : start + size])
            autocast = torch.autocast(device.type, torch.bfloat16, enabled=self.config.precision == BFLOAT16)
            with torch.inference_mode(), autocast:
                added += float(self._summed(batch.to(device)))
            taught += batch.weights[0]
        loss = added / max(taught, 1)
        return {
            "eval_loss": loss,
            "eval_tokens": taught,
            **evaluate_answers(self.predictor, self.held_out[: self.config.answers]),
        }

    def _summed(self, batch: OceanChatBatch) -> Tensor:
        embeddings_BTH = self.network.embed(batch.rows.ids_BT, batch.fields)
        return summed_loss(self.network.model, batch.rows, embeddings_BTH)

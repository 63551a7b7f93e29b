"""What a causal language model says of rows of tokens.

Shape suffixes: B = rows in the batch, T = tokens in a row, K = places whose next token is asked for, V = vocabulary,
H = hidden size.
"""

# ruff: noqa: N803, N806 - names end in their shape, in capitals

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from shared.modeling.text.packing import IGNORED, TextRows

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def taught_logits(
    model: PreTrainedModel, rows: TextRows, embeddings_BTH: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """(logits [N, V], targets [N]) of the N taught tokens; the vocabulary's head computes hardly any other places.

    `embeddings_BTH` is read in place of the rows' own tokens, for rows in which not all places are words.
    """
    asked_T = (rows.targets_BT != IGNORED).any(dim=0).nonzero()[:, 0]
    reads = {"input_ids": rows.ids_BT} if embeddings_BTH is None else {"inputs_embeds": embeddings_BTH}
    output: Any = model(
        **reads,
        position_ids=rows.places_BT,
        attention_mask=_mask(model, rows.visible_B1TT),
        logits_to_keep=asked_T,
        use_cache=False,
    )
    targets_BK = rows.targets_BT[:, asked_T]
    taught_BK = targets_BK != IGNORED
    return output.logits[taught_BK], targets_BK[taught_BK]


def summed_loss(model: PreTrainedModel, rows: TextRows, embeddings_BTH: Tensor | None = None) -> Tensor:
    """The cross-entropy of the taught tokens, added up; in float32 whatever the model computes in."""
    logits, targets = taught_logits(model, rows, embeddings_BTH)
    return nn.functional.cross_entropy(logits.float(), targets, reduction="sum")


def _mask(model: PreTrainedModel, visible_B1TT: Tensor | None) -> Tensor | None:
    """The mask in the form the model's attention takes: true or false for torch's own, numbers to add for the other."""
    if visible_B1TT is None or model.config._attn_implementation == "sdpa":  # noqa: SLF001 - the library's only name
        return visible_B1TT
    lowest = torch.finfo(model.dtype).min
    return torch.zeros_like(visible_B1TT, dtype=model.dtype).masked_fill(~visible_B1TT, lowest)

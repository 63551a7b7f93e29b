"""Descriptions to tokens, and which of them a model would say by itself.

Shape suffixes: B = configurations in the batch, L = tokens of the longest description, V = vocabulary.
"""

# ruff: noqa: N803, N806 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Target behind the end of a description; what torch's cross-entropy ignores by itself.
IGNORED = -100


def encode_descriptions(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> list[list[int]]:
    """The tokens of each text and the one that ends it."""
    rows: list[list[int]] = tokenizer(list(texts), add_special_tokens=False)["input_ids"]
    return [[*row, int(tokenizer.eos_token_id)] for row in rows]


def pad(rows: Sequence[Sequence[int]]) -> Tensor:
    """int64 [B, L]: targets, `IGNORED` behind the end of a row."""
    targets_BL = torch.full((len(rows), max(len(row) for row in rows)), IGNORED)
    for place, row in enumerate(rows):
        targets_BL[place, : len(row)] = torch.tensor(row)
    return targets_BL


def said(logits_BLV: Tensor, targets_BL: Tensor) -> Tensor:
    """Bool [B, L]: whether the model's likeliest token is the one it has to say, True behind the end.

    A model that always says its likeliest token regenerates a text exactly when this holds in every place of it: each
    place was computed after the right tokens, which are those it would have said itself.
    """
    return (logits_BLV.argmax(-1) == targets_BL) | (targets_BL == IGNORED)

"""Tasks and states to tensors.

Shape suffixes: B = plans in the batch, T = times in a state, R = resources, Q = tokens of the longest prompt.
"""

# ruff: noqa: N806, N815 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from shared.errors import InvalidInputError
from shared.modeling.planner.spec import PlannerSpec
from shared.planning.values import PlanInput, check_capacity

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanBatch:
    """What the network reads.

    Args:
        ids_BQ: int64, tokens of the prompts; 0 behind the end of a row.
        last_B: int64, the place of each prompt's last token.
        shares_BTR: float32, what is in use as a share of the capacity.
    """

    ids_BQ: Tensor
    last_B: Tensor
    shares_BTR: Tensor

    @property
    def tokens(self) -> int:
        """Tokens of the prompts."""
        return int(self.last_B.sum()) + len(self.last_B)

    def to(self, device: Any) -> PlanBatch:
        """The same batch on a device."""
        return replace(
            self, ids_BQ=self.ids_BQ.to(device), last_B=self.last_B.to(device), shares_BTR=self.shares_BTR.to(device)
        )


def encode_plans(inputs: Sequence[PlanInput], spec: PlannerSpec, tokenizer: PreTrainedTokenizerBase) -> PlanBatch:
    """A batch on the CPU.

    Raises:
        InvalidInputError: a state is of another length or of a larger system than the model reads, or a task is too
            long.
    """
    for one in inputs:
        if len(one.used) != spec.window:
            times = "1 time" if len(one.used) == 1 else f"{len(one.used)} times"
            reason = f"{_named(one)}has a window of {times}; this model reads {spec.window}"
            raise InvalidInputError.of("used", reason)
        check_capacity(one, spec.capacity)
    ids = prompt_ids(inputs, spec, tokenizer)
    for one, row in zip(inputs, ids, strict=True):
        if len(row) > spec.max_tokens:
            reason = f"{_named(one)}has {len(row)} tokens with its prompt; this model reads {spec.max_tokens}"
            raise InvalidInputError.of("task", reason)
    ids_BQ = np.zeros((len(ids), max(len(row) for row in ids)), dtype=np.int64)
    for place, row in enumerate(ids):
        ids_BQ[place, : len(row)] = row
    # Of what the system has not, nothing is in use.
    amounts = np.array([amount or 1.0 for amount in spec.capacity])
    shares_BTR = np.stack([one.used for one in inputs]) / amounts
    return PlanBatch(
        ids_BQ=torch.from_numpy(ids_BQ),
        last_B=torch.tensor([len(row) - 1 for row in ids]),
        shares_BTR=torch.from_numpy(shares_BTR.astype(np.float32)),
    )


def _named(asked: PlanInput) -> str:
    """The id to begin a message with; one that is asked alone may have none."""
    return f"{asked.id!r} " if asked.id else ""


def prompt_ids(inputs: Sequence[PlanInput], spec: PlannerSpec, tokenizer: PreTrainedTokenizerBase) -> list[list[int]]:
    """The tokens of each prompt, however many there are."""
    prompts = [spec.prompt.format(task=one.task) for one in inputs]
    rows: list[list[int]] = tokenizer(prompts, add_special_tokens=False)["input_ids"]
    return rows

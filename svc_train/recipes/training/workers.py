"""The processes that train one model together: each takes a share of every step's examples, all keep equal weights.

What they add up is sums, over the examples of the whole step: their number does not change what is learnt.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVar

import torch
from torch import Tensor, distributed

from svc_train.recipes.stopping import LostWorkerError

T = TypeVar("T")
# The others wait in a collective while the first one evaluates; whoever started them ends them when one dies.
PATIENCE = timedelta(days=2)


class Workers:
    """How many there are, and which one this is.

    Args:
        rank: 0 for the first one, which evaluates, saves and reports.
        size: how many there are; 1 needs nobody else.
        device: what this one computes on.
    """

    def __init__(self, *, rank: int, size: int, device: torch.device) -> None:
        self.rank = rank
        self.size = size
        self.device = device

    @property
    def is_first(self) -> bool:
        """Whether this is the one that evaluates, saves and reports."""
        return self.rank == 0

    def share(self, examples: Sequence[T]) -> Sequence[T]:
        """This one's part of the examples of a step."""
        return examples[self.rank :: self.size]

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over all workers, in place. Equal dtypes."""
        if self.size == 1 or not tensors:
            return
        flat = torch.cat([tensor.detach().reshape(-1) for tensor in tensors])
        _sum(flat)
        parts = torch.split(flat, [tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.detach().copy_(part.view_as(tensor))

    def totals(self, numbers: Sequence[float]) -> list[float]:
        """The sum of each number over all workers."""
        if self.size == 1:
            return list(numbers)
        added = torch.tensor(numbers, dtype=torch.float64, device=self.device)
        _sum(added)
        return [float(one) for one in added.tolist()]

    def told_by_first(self, number: float) -> float:
        """The first one's number, for all."""
        return self.totals([number if self.is_first else 0.0])[0]


def _sum(tensor: Tensor) -> None:
    try:
        distributed.all_reduce(tensor)
    except torch.OutOfMemoryError:  # is a RuntimeError too, and nobody is gone
        raise
    except RuntimeError as error:
        raise LostWorkerError(f"a worker is gone: {error}") from error


def join_workers() -> Workers:
    """The workers that this process belongs to, as torchrun and Ray say it in the environment; alone without them."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    cuda = torch.cuda.is_available()
    device = torch.device("cpu")
    if cuda:
        # Whoever starts workers may show each of them one GPU only.
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
        torch.cuda.set_device(device)
    if size == 1:
        return Workers(rank=0, size=1, device=device)
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if cuda else "gloo", timeout=PATIENCE)
        atexit.register(distributed.destroy_process_group)
    return Workers(rank=distributed.get_rank(), size=size, device=device)

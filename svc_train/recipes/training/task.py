"""What a model family brings to the loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Protocol, Self, TypeVar

import torch
from torch import Tensor, nn

ExampleT_contra = TypeVar("ExampleT_contra", contravariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """The evaluation number that says which of two models is better."""

    name: str
    larger_is_better: bool

    def better(self, value: float, best: float | None) -> bool:
        """Whether the value beats the best one before it."""
        return best is None or (value > best if self.larger_is_better else value < best)


class Batch(Protocol):
    """Examples as the network takes them, made on the CPU."""

    @property
    def tokens(self) -> int:
        """Tokens the network reads."""

    @property
    def weights(self) -> tuple[float, ...]:
        """How many things each term of the loss is a mean over (tokens, points, ...), in this batch alone."""

    def to(self, device: torch.device, *, non_blocking: bool = False) -> Self:
        """The same batch on a device."""

    def pin_memory(self) -> Self:
        """The same batch in memory that a GPU reads while the CPU goes on."""


BatchT = TypeVar("BatchT", bound=Batch)


class Task(Protocol[ExampleT_contra, BatchT]):
    """A network, and how it learns from examples."""

    @property
    def network(self) -> nn.Module:
        """On the device it trains on."""

    @property
    def watched(self) -> Watched | None:
        """Ranks checkpoints and decides on early stopping; None where nothing is held out."""

    def collate(self, examples: Sequence[ExampleT_contra]) -> BatchT:
        """A batch on the CPU."""

    def loss(self, batch: BatchT, totals: Sequence[float]) -> Tensor:
        """What the batch adds to the loss of the whole step: each term's sum over the batch, divided by its total.

        Args:
            batch: on the network's device.
            totals: the batches' `weights` added up over the whole step, on all workers; a total may be 0.
        """

    def evaluate(self) -> Mapping[str, float]:
        """Numbers of the network as it is on what is held out, in eval mode; empty where nothing is."""


class TensorBatch:
    """A frozen dataclass of tensors, or of such dataclasses, inherits from this to be moved as a whole."""

    __slots__ = ()

    def to(self, device: torch.device, *, non_blocking: bool = False) -> Self:
        """Every tensor on the device; what is none stays as it is."""
        moved: Self = _changed(self, lambda tensor: tensor.to(device, non_blocking=non_blocking))
        return moved

    def pin_memory(self) -> Self:
        """Every tensor in pinned memory."""
        pinned: Self = _changed(self, lambda tensor: tensor.pin_memory())
        return pinned


def _changed(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, Tensor):
        return change(value)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    return replace(value, **{one.name: _changed(getattr(value, one.name), change) for one in fields(value)})

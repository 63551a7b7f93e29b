"""The order in which examples are learnt from: seeded, and resumable from a few numbers of JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

ExampleT_co = TypeVar("ExampleT_co", covariant=True)
# Keeps the shuffling apart from what else a recipe draws from the same seed.
SHUFFLING = 3


class Examples(Protocol[ExampleT_co]):
    """Gives examples without end; the same state gives the same ones.

    Attributes:
        epoch_size: examples that make one epoch.
    """

    @property
    def epoch_size(self) -> int:
        """Examples that make one epoch, from 1 up."""

    def draw(self, count: int) -> Sequence[ExampleT_co]:
        """The next so many examples."""

    def state(self) -> Mapping[str, Any]:
        """Where it stands, as JSON values."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from there; KeyError, TypeError or ValueError when the state is none."""


class Shuffled:
    """Every example once an epoch, in an order that the seed and the epoch's number decide.

    Args:
        examples: any sequence; `draw` asks it for one item after the other, so it may read lazily.
        seed: the run's.
        shuffle: False keeps the order of the sequence.
    """

    def __init__(self, examples: Sequence[ExampleT_co], *, seed: int, shuffle: bool = True) -> None:
        assert len(examples) > 0, "there is nothing to learn from"
        self._examples: Sequence[Any] = examples
        self._seed = seed
        self._shuffle = shuffle
        self._epoch = self._place = 0
        self._order = self._ordered()

    @property
    def epoch_size(self) -> int:
        """Examples that make one epoch."""
        return len(self._examples)

    def draw(self, count: int) -> Sequence[Any]:
        """The next so many examples; a new epoch follows the old one without a gap."""
        return [self._examples[self._next()] for _ in range(count)]

    def state(self) -> Mapping[str, Any]:
        """Epoch, and examples drawn in it."""
        return {"epoch": self._epoch, "place": self._place}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._epoch, self._place = int(state["epoch"]), int(state["place"])
        if self._epoch < 0 or not 0 <= self._place <= len(self._examples):
            raise ValueError(f"epoch {self._epoch}, place {self._place} of {len(self._examples)}")
        self._order = self._ordered()

    def _next(self) -> int:
        if self._place == len(self._order):
            self._epoch, self._place = self._epoch + 1, 0
            self._order = self._ordered()
        self._place += 1
        return int(self._order[self._place - 1])

    def _ordered(self) -> NDArray[np.int64]:
        order = np.arange(len(self._examples))
        if self._shuffle:
            np.random.default_rng([self._seed, SHUFFLING, self._epoch]).shuffle(order)
        return order

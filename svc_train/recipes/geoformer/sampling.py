"""Which windows a training learns from, and what is random in each: decided by the seed and its place in the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from svc_train.recipes.geoformer.config import GeoformerConfig
from svc_train.recipes.geoformer.data import OceanData
from svc_train.recipes.training.sampling import Shuffled
from svc_train.recipes.training.schedule import total_steps

# Keeps what is random in a window apart from what else is drawn from the same seed.
CHANGES = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A window to learn from.

    Args:
        row: of the last month of its history.
        seed: decides what is random in it.
        forcing: the share of its months at which the decoder goes on from the true one.
    """

    row: int
    seed: tuple[int, ...]
    forcing: float


class WindowSampler:
    """See `Examples`. The share of forced months falls from `forcing` to 0 over the first `forcing_ends` of the run."""

    def __init__(self, data: OceanData, config: GeoformerConfig) -> None:
        self._rows = Shuffled(data.train.tolist()[: config.limit_train or None], seed=config.seed)
        self._config = config
        self._drawn = 0
        steps = total_steps(config, epoch_size=self._rows.epoch_size)
        self._forced_until = config.forcing_ends * steps * config.examples_per_step

    @property
    def epoch_size(self) -> int:
        """Windows that make one epoch."""
        return self._rows.epoch_size

    def draw(self, count: int) -> Sequence[Drawn]:
        """The next so many windows."""
        drawn = [self._next(int(row), self._drawn + place) for place, row in enumerate(self._rows.draw(count))]
        self._drawn += count
        return drawn

    def state(self) -> Mapping[str, Any]:
        """Where the order stands, and windows drawn since the run began."""
        return {"order": dict(self._rows.state()), "drawn": self._drawn}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._rows.restore(state["order"])
        self._drawn = int(state["drawn"])

    def _next(self, row: int, number: int) -> Drawn:
        left = 1 - number / self._forced_until if number < self._forced_until else 0.0
        seed = (self._config.seed, CHANGES, number)
        return Drawn(row=row, seed=seed, forcing=self._config.forcing * left)


def generator(drawn: Drawn) -> np.random.Generator:
    """What decides the window's noise and what of it is hidden."""
    return np.random.default_rng(drawn.seed)

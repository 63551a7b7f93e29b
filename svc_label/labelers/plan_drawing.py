"""Drawing tasks and states for `plan-oracle`, and asking the oracle about each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.planning.oracle import NONE_FITS, Oracle, room
from shared.planning.plans import TEST, TRAIN, Plan
from shared.planning.states import draw_use
from shared.planning.tasks import draw_task

# A table with many levels of one resource has no state that is clear of all: the last one drawn is taken then.
MOST_DRAWS = 50


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlanDrawing:
    """Draws plans for one profile.

    Args:
        oracle: knows the profile and the capacity.
        window: times in a state.
        languages: of the tasks.
        margin: a share of the capacity: how far what is free stays from what a configuration needs.
        seed: the same one draws the same plans.
    """

    oracle: Oracle
    window: int
    languages: tuple[str, ...]
    margin: float
    seed: int

    def plans(self, split: str, count: int) -> Iterator[Plan]:
        """So many plans of a split; the splits share neither phrasings nor the stream of chance."""
        rng = np.random.default_rng([self.seed, (TRAIN, TEST).index(split)])
        for number in range(count):
            yield self._plan(rng, split, f"{split}-{number:07d}")

    def _plan(self, rng: np.random.Generator, split: str, plan_id: str) -> Plan:
        profile = self.oracle.profile
        tool_id = int(rng.integers(len(profile.tools)))
        size = float(rng.choice(self.oracle.sizes(tool_id)))
        task = draw_task(rng, profile.tools[tool_id], size, self.languages, is_held_out=split == TEST)
        used = self._state(rng, tool_id, size)
        config_id = self.oracle.choose(tool_id, size, used)
        return Plan(
            id=plan_id,
            split=split,
            task=task,
            tool_id=tool_id,
            config_id=config_id,
            latency_ms=float("nan") if config_id == NONE_FITS else float(profile.latency_ms[config_id]),
            used=used,
            input_size=size,
        )

    def _state(self, rng: np.random.Generator, tool_id: int, size: float) -> NDArray[np.float32]:
        needs = self.oracle.profile.needs[self.oracle.candidates(tool_id, size)]
        for _ in range(MOST_DRAWS):
            used = draw_use(rng, self.window, self.oracle.capacity)
            gap = np.abs(room(used, self.oracle.capacity) - needs)
            if (gap >= self.margin * self.oracle.capacity).all():
                break
        return used

"""What goes into and comes out of a planner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.errors import InvalidInputError

# What a system has to give, in the order of a state's columns: cores, GiB, streaming multiprocessors, GiB.
RESOURCES = ("cpu_cores", "memory_gb", "gpu_sm", "gpu_memory_gb")
# By such a share a measurement may be above what there is.
INACCURACY = 0.01


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlanInput:
    """A task and the state of the system it is to run on.

    Args:
        id: the caller's name for it; comes back in the answer.
        task: what is to be done, in words.
        used: float32 [times, 4], oldest first: what is in use of each of `RESOURCES`.

    Raises:
        InvalidInputError: the task is empty, or a state is not of that shape, negative or not finite.
    """

    id: str
    task: str
    used: NDArray[np.float32]

    def __post_init__(self) -> None:
        if not self.task.strip():
            raise InvalidInputError.of("task", "is empty: say what is to be done")
        if self.used.ndim != 2 or self.used.shape[1] != len(RESOURCES) or not len(self.used):
            wanted = f"[times, {len(RESOURCES)}]: {', '.join(RESOURCES)}"
            raise InvalidInputError.of("used", f"has the shape {list(self.used.shape)}; needed is {wanted}")
        wrong = np.argwhere(~np.isfinite(self.used) | (self.used < 0))
        if len(wrong):
            time, column = wrong[0]
            reason = f"{self.used[time, column]} at time {time} is not a finite number from 0 up"
            raise InvalidInputError.of(f"used.{RESOURCES[column]}", reason)


def check_capacity(asked: PlanInput, capacity: Sequence[float]) -> None:
    """InvalidInputError when more is in use than there is: a state of another system, or in another unit.

    Args:
        asked: the state.
        capacity: all that the system has of each of `RESOURCES`.
    """
    wrong = np.argwhere(asked.used > np.array(capacity) * (1 + INACCURACY))
    if len(wrong):
        time, column = wrong[0]
        reason = f"{asked.used[time, column]:g} at time {time} is above the capacity planned for, {capacity[column]:g}"
        raise InvalidInputError.of(f"used.{RESOURCES[column]}", reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A tool and one of its configurations.

    Args:
        tool_id, config_id: rows of the profile's tools and configurations, from 0 up.
        tool: the tool's name.
        configuration: the numbers of the configuration by name (see `profile.NUMBERS`).
        confidence: in [0, 1]: the probability of tool and configuration together.
    """

    tool_id: int
    config_id: int
    tool: str
    configuration: Mapping[str, float]
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanAnswer:
    """What the planner would do.

    Args:
        id: the id of the input.
        choice: the plan.
        runner_up: the next best one for the same job that fits; where there is no other, the likeliest one for another
            job, by its tool or its input size; None where that does not fit either.
        feasible: whether anything fits; where not, the choice is the job's least demanding configuration.
    """

    id: str
    choice: Choice
    runner_up: Choice | None
    feasible: bool

"""What a job can take when nothing fits, and whether anything does."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.errors import InvalidInputError
from shared.planning.oracle import room
from shared.planning.profile import Floats, Profile


class Demand:
    """The configurations for one job: those of the same tool and the same input size.

    Args:
        profile: the configurations.
        capacity: float64 [4], all that the system has.
    """

    def __init__(self, profile: Profile, capacity: Floats) -> None:
        self.profile = profile
        self.capacity = capacity
        pairs = np.column_stack([profile.tool_ids, profile.input_sizes])
        _, self._group_of = np.unique(pairs, axis=0, return_inverse=True)
        order = np.lexsort((np.arange(len(pairs)), *profile.needs.T[::-1], self._group_of))
        groups, firsts = np.unique(self._group_of[order], return_index=True)
        self._least = dict(zip(groups.tolist(), order[firsts].tolist(), strict=True))

    def for_same_job(self, config_id: int) -> NDArray[np.int64]:
        """The config_ids for the job that a configuration is for, its own included."""
        return np.flatnonzero(self._group_of == self._group_of[config_id])

    def least(self, config_id: int) -> int:
        """The least demanding configuration for the same job.

        Of the resources it takes the fewest, in the order of `RESOURCES`; equal ones are decided by the config_id.
        """
        return int(self._least[int(self._group_of[config_id])])

    def least_for(self, tool_id: int, input_size: float) -> int:
        """The same for a tool and an input size; InvalidInputError when the profile has no such configuration."""
        found = np.flatnonzero((self.profile.tool_ids == tool_id) & (self.profile.input_sizes == input_size))
        if not len(found):
            name = self.profile.tools[tool_id].name
            raise InvalidInputError.of("input_size", f"{input_size} was not profiled for the tool {name!r}")
        return self.least(int(found[0]))

    def fitting(self, used: NDArray[Any]) -> NDArray[np.bool_]:
        """Bool [configurations]: which fit at the end of a window of use [times, 4], by the oracle's rule."""
        return np.asarray((self.profile.needs <= room(used, self.capacity)).all(axis=1))

"""What a job can take when nothing fits, and whether anything does."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.errors import InvalidInputError
from shared.planning.oracle import ConfigIds, by_job, fits
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
        self._jobs = by_job(profile)

    def for_same_job(self, config_id: int) -> ConfigIds:
        """The config_ids for the job that a configuration is for, its own included, the least demanding first."""
        return self._jobs[int(self.profile.tool_ids[config_id]), float(self.profile.input_sizes[config_id])]

    def least(self, config_id: int) -> int:
        """The least demanding configuration for the same job.

        Of the resources it takes the fewest, in the order of `RESOURCES`; equal ones are decided by the config_id.
        """
        return int(self.for_same_job(config_id)[0])

    def least_for(self, tool_id: int, input_size: float) -> int:
        """The same for a tool and an input size; InvalidInputError when the profile has no such configuration."""
        if (tool_id, input_size) not in self._jobs:
            name = self.profile.tools[tool_id].name
            raise InvalidInputError.of("input_size", f"{input_size} was not profiled for the tool {name!r}")
        return int(self._jobs[tool_id, input_size][0])

    def fitting(self, used: NDArray[Any]) -> NDArray[np.bool_]:
        """Which configurations fit after a window of use [times, 4], by the oracle's rule: bool [configurations]."""
        return fits(self.profile.needs, used, self.capacity)

"""The best plan there is: the rule that plans are labelled with, and measured against."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.planning.profile import Floats, Profile

ConfigIds = NDArray[np.int64]
# A tool_id and an input size.
Job = tuple[int, float]

NONE_FITS = -1


def room(used: NDArray[Any], capacity: Floats) -> Floats:
    """What of each resource a job that starts now can count on, float64 [..., 4]; it may be negative.

    It is free at the window's end, and still free one step later if use goes on along its trend: the least-squares
    line through the window, where no use is less than none. A window of one time has no trend.

    Args:
        used: [..., times, 4], oldest first.
        capacity: float64 [4], all there is.
    """
    used = used.astype(np.float64)
    last = used[..., -1, :]
    return np.asarray(capacity - np.maximum(last, _next(used)))


def _next(used: Floats) -> Floats:
    times = used.shape[-2]
    if times == 1:
        return np.asarray(used[..., -1, :])
    # The line's value one step past the window is a fixed weighted sum of the window: centre t, then mean + slope * t.
    centred = np.arange(times) - (times - 1) / 2
    weights = 1 / times + centred * ((times + 1) / 2) / np.sum(centred**2)
    return np.asarray(np.maximum(np.einsum("...tr,t->...r", used, weights), 0.0))


def fits(needs: Floats, used: NDArray[Any], capacity: Floats) -> NDArray[np.bool_]:
    """Bool [...]: which of the needs, [..., 4], a job that starts now can count on; see `room`."""
    return np.asarray((needs <= room(used, capacity)).all(axis=-1))


def by_job(profile: Profile, *columns: Floats) -> dict[Job, ConfigIds]:
    """The config_ids of each tool and input size, both ascending.

    Those of a job are in the order of the columns (the first counts most), then of what they need, in the order of
    `RESOURCES`, and then of the config_id.

    Args:
        profile: the configurations.
        columns: a number for each configuration, float64 [configurations].
    """
    config_ids = np.arange(len(profile.numbers))
    # lexsort takes the most important key last.
    keys = (config_ids, *profile.needs.T[::-1], *columns[::-1], profile.input_sizes, profile.tool_ids)
    order = np.lexsort(keys)
    is_first = np.diff(profile.tool_ids[order]).astype(bool) | np.diff(profile.input_sizes[order]).astype(bool)
    jobs = np.split(order, np.flatnonzero(is_first) + 1)
    return {(int(profile.tool_ids[ids[0]]), float(profile.input_sizes[ids[0]])): ids for ids in jobs}


class Oracle:
    """Chooses the fastest configuration of a tool that fits.

    Equal latencies are decided by fewer resources, in the order of `RESOURCES`, and then by the lower config_id.

    Args:
        profile: the configurations.
        capacity: float64 [4], all that the system has.
    """

    def __init__(self, profile: Profile, capacity: Floats) -> None:
        self.profile = profile
        self.capacity = capacity
        self._ordered = by_job(profile, profile.latency_ms)
        sizes: defaultdict[int, list[float]] = defaultdict(list)
        for tool_id, size in self._ordered:
            sizes[tool_id].append(size)
        self._sizes = {tool_id: np.array(found) for tool_id, found in sizes.items()}

    def sizes(self, tool_id: int) -> Floats:
        """The input sizes a tool was profiled with, ascending."""
        return self._sizes[tool_id]

    def profiled_size(self, tool_id: int, input_size: float) -> float:
        """The smallest profiled size that covers an input; the largest one where none does."""
        sizes = self.sizes(tool_id)
        return float(sizes[min(int(np.searchsorted(sizes, input_size)), len(sizes) - 1)])

    def candidates(self, tool_id: int, input_size: float) -> ConfigIds:
        """The config_ids for a job, best first, whether they fit or not."""
        return self._ordered[tool_id, self.profiled_size(tool_id, input_size)]

    def choose(self, tool_id: int, input_size: float, used: NDArray[Any]) -> int:
        """The config_id for a job that starts at the end of a window of use [times, 4]; -1 where nothing fits."""
        ordered = self.candidates(tool_id, input_size)
        can_run = fits(self.profile.needs[ordered], used, self.capacity)
        return int(ordered[np.argmax(can_run)]) if can_run.any() else NONE_FITS

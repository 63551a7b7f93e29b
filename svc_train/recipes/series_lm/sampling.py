"""Windows drawn at random from tracks: where, and how they are varied."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svc_train.recipes.series_lm.config import SeriesLMConfig
from svc_train.recipes.series_lm.data import Track


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledWindow:
    """1 to `window` consecutive rows of one channel, and the target of each (see `Track`)."""

    values: NDArray[np.float64]
    targets: NDArray[np.int16]


class WindowSampler:
    """Draws windows: some around labelled segments, so that these are seen often enough, the others anywhere.

    The same seed draws the same windows in the same order.
    """

    def __init__(self, tracks: Sequence[Track], config: SeriesLMConfig) -> None:
        self._config = config
        self._tracks = tracks
        self._segments = [(track, start, end) for track in tracks for start, end in track.runs()]
        rows = np.array([len(track.values) for track in tracks], dtype=np.float64)
        self._track_weights = rows / rows.sum()
        self._rows = int(rows.sum())
        self._generator = np.random.default_rng([config.seed, 2])

    @property
    def epoch_size(self) -> int:
        """As many windows as cover the rows, if they lay side by side."""
        return math.ceil(self._rows / self._config.window)

    def draw(self, count: int) -> list[LabelledWindow]:
        """So many windows."""
        return [self._draw() for _ in range(count)]

    def state(self) -> Mapping[str, Any]:
        """The generator's: every window depends on it alone."""
        return self._generator.bit_generator.state

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._generator.bit_generator.state = dict(state)

    def _draw(self) -> LabelledWindow:
        generator = self._generator
        if self._segments and generator.random() < self._config.segment_share:
            track, start, end = self._segments[generator.integers(len(self._segments))]
            # Any window that shares at least one row with the segment.
            first = int(generator.integers(start - self._config.window + 1, end))
        else:
            track = self._tracks[generator.choice(len(self._tracks), p=self._track_weights)]
            first = int(generator.integers(0, max(len(track.values) - self._config.window, 0) + 1))
        first = min(max(first, 0), max(len(track.values) - self._config.window, 0))
        rows = slice(first, first + self._config.window)
        return self._varied(track.values[rows], track.targets[rows])

    def _varied(self, values: NDArray[np.float64], targets: NDArray[np.int16]) -> LabelledWindow:
        if self._config.flip_probability and self._generator.random() < self._config.flip_probability:
            values, targets = values[::-1], targets[::-1]
        if self._config.noise and np.isfinite(values).any():
            spread = float(np.nanstd(values)) * self._config.noise
            values = values + self._generator.normal(0, spread, len(values))
        return LabelledWindow(values=values, targets=targets)

"""The distortions `inject` knows, one small function each, in one table.

A function gets a stretch of one channel (float64 [rows], no missing value) and the `Spot` it lies at, and returns the
distorted stretch, of the same length, in a new array. Whether the change can be seen is for the caller to check.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from svc_label.labelers.base import Floats

SPIKE_ROWS = (1, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where a distortion goes and how strong it is.

    Attributes:
        rng: the only source of chance.
        spread: the standard deviation of the channel around here; above 0.
        strength: above 0; at 1 the distortion is about as large as the spread.
        source: float64 [rows, channels], the whole series the stretch comes from.
        channel: the stretch's column in it.
    """

    rng: np.random.Generator
    spread: float
    strength: float
    source: Floats
    channel: int

    def sign(self) -> float:
        """Up or down."""
        return 1.0 if self.rng.random() < 0.5 else -1.0

    def factor(self) -> float:
        """1 + strength or its inverse: larger or smaller, faster or slower."""
        return float((1.0 + self.strength) ** self.sign())


Distortion = Callable[[Floats, Spot], Floats]


def spike(stretch: Floats, spot: Spot) -> Floats:
    """A few rows leap out of the series."""
    return stretch + spot.sign() * (1.0 + spot.strength) * spot.spread


def level_shift(stretch: Floats, spot: Spot) -> Floats:
    """The level jumps, and jumps back."""
    return stretch + spot.sign() * spot.strength * spot.spread


def drift(stretch: Floats, spot: Spot) -> Floats:
    """The level moves away steadily, and jumps back."""
    return stretch + spot.sign() * np.linspace(0.0, 1.5 * spot.strength * spot.spread, len(stretch))


def flatline(stretch: Floats, spot: Spot) -> Floats:
    """The sensor is stuck at a value."""
    del spot
    return np.full_like(stretch, stretch[0])


def noise_burst(stretch: Floats, spot: Spot) -> Floats:
    """Noise is added."""
    return stretch + spot.rng.normal(0.0, 0.5 * spot.strength * spot.spread, len(stretch))


def amplitude(stretch: Floats, spot: Spot) -> Floats:
    """The movement around the stretch's own mean grows or shrinks."""
    mean = stretch.mean()
    return np.asarray(mean + spot.factor() * (stretch - mean))


def reversal(stretch: Floats, spot: Spot) -> Floats:
    """Time runs backwards."""
    del spot
    return stretch[::-1].copy()


def time_warp(stretch: Floats, spot: Spot) -> Floats:
    """Time runs too fast in one part and too slowly in the other; both ends stay where they are."""
    at = np.linspace(0.0, 1.0, len(stretch))
    return np.interp(at ** spot.factor(), at, stretch)


def foreign_segment(stretch: Floats, spot: Spot) -> Floats:
    """A stretch from elsewhere in the series, or from another channel brought to this one's level and spread."""
    rows, channels = spot.source.shape
    donor = int(spot.rng.integers(channels))
    start = int(spot.rng.integers(rows - len(stretch) + 1))
    foreign = spot.source[start : start + len(stretch), donor]
    if donor == spot.channel:
        return foreign.copy()
    return np.asarray(stretch.mean() + (foreign - np.mean(foreign)) * _ratio(stretch, foreign))


def _ratio(stretch: Floats, foreign: Floats) -> float:
    spread = float(np.std(foreign))
    return float(np.std(stretch)) / spread if spread > 0.0 else 1.0


DISTORTIONS: Mapping[str, Distortion] = {
    "spike": spike,
    "level_shift": level_shift,
    "drift": drift,
    "flatline": flatline,
    "noise_burst": noise_burst,
    "amplitude": amplitude,
    "reversal": reversal,
    "time_warp": time_warp,
    "foreign_segment": foreign_segment,
}

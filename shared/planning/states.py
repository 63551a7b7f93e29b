"""Made-up use of a system over time: what a planner sees of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.planning.profile import Floats

# Spread of one measurement around what is really in use, as a share of the capacity.
NOISE = 0.005
PATTERNS = ("level", "ramp", "burst", "wave")


def draw_use(rng: np.random.Generator, window: int, capacity: Floats) -> NDArray[np.float32]:
    """A window of use, float32 [window, resources], oldest first, between nothing and the capacity.

    Each resource goes its own way: it stays at a level, ramps from one to another, bursts for a while, or swings; all
    with a little noise. Levels are anywhere from idle to full.
    """
    columns = [_pattern(rng, window) for _ in capacity]
    shares = np.stack(columns, axis=-1) + rng.normal(0.0, NOISE, (window, len(capacity)))
    return (np.clip(shares, 0.0, 1.0) * capacity).astype(np.float32)


def _pattern(rng: np.random.Generator, window: int) -> Floats:
    level, other = rng.uniform(0.0, 1.0, 2)
    times = np.arange(window)
    match PATTERNS[rng.integers(len(PATTERNS))]:
        case "ramp":
            return np.linspace(level, other, window)
        case "burst":
            start = rng.integers(window)
            length = rng.integers(1, max(2, window // 2))
            inside = (times >= start) & (times < start + length)
            return np.where(inside, other, level)
        case "wave":
            swing = min(level, 1.0 - level) * rng.uniform(0.2, 1.0)
            phase, cycles = rng.uniform(0.0, 2 * np.pi), rng.uniform(0.5, 3.0)
            return np.asarray(level + swing * np.sin(phase + 2 * np.pi * cycles * times / window))
        case _:
            return np.full(window, level)

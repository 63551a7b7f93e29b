"""How many steps a run takes, and the learning rate at each. Loads no torch."""

from __future__ import annotations

import math

from svc_train.recipes.training.knobs import CONSTANT, COSINE, CommonConfig

# A rate that falls ends at this share of the highest one.
FLOOR = 0.1


def total_steps(config: CommonConfig, *, epoch_size: int) -> int:
    """Optimiser steps of the whole run, at least 1.

    Args:
        config: says steps, epochs and examples a step.
        epoch_size: examples that make one epoch.
    """
    if config.smoke:
        return 1
    wanted = []
    if config.max_steps:
        wanted.append(config.max_steps)
    if config.num_epochs:
        wanted.append(max(math.ceil(config.num_epochs * epoch_size / config.examples_per_step), 1))
    return min(wanted)


def learning_rate(step: int, total: int, config: CommonConfig) -> float:
    """Linear warm-up to the highest rate, then what the schedule says; `step` counts from 1."""
    warmup = min(config.warmup_steps, total - 1)
    if step <= warmup:
        return config.learning_rate * step / warmup
    if config.schedule == CONSTANT:
        return config.learning_rate
    done = (step - warmup) / max(total - warmup, 1)
    left = (1 + math.cos(math.pi * done)) / 2 if config.schedule == COSINE else 1 - done
    return config.learning_rate * (FLOOR + (1 - FLOOR) * left)

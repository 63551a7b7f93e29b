"""The golden inputs of the planner family, and when two answers to one of them agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from shared.modeling.planner.spec import PlannerSpec
from shared.planning.profile import Profile
from shared.planning.values import PlanInput

SEED = 20_261_127


def golden_inputs(profile: Profile, spec: PlannerSpec) -> list[dict[str, Any]]:
    """An idle system, one that fills up, and a full one, each with a task in words of its own."""
    generator = np.random.default_rng(SEED)
    first, last = profile.tools[0].name, profile.tools[-1].name
    levels = {"idle": (0.0, 0.1), "filling": (0.1, 0.6), "full": (0.95, 1.0)}
    tasks = (f"Run {first} on an input of size 4.", f"用 {last} 处理规模为 16 的输入。", "Do what is best.")
    return [
        {"id": name, "task": task, "used": _ramp(generator, spec, start, end)}
        for (name, (start, end)), task in zip(levels.items(), tasks, strict=True)
    ]


def parse_golden_input(body: Mapping[str, Any]) -> PlanInput:
    """The input a certificate holds."""
    return PlanInput(id=body["id"], task=body["task"], used=np.array(body["used"], dtype=np.float32))


def differences(certified: Mapping[str, Any], answered: Mapping[str, Any], *, tolerance: float) -> list[str]:
    """What differs between two answers.

    The decisions are the tool, the configuration and whether anything fits. Where two choices are closer to each other
    than the tolerance, rounding alone may decide. The scores are the probabilities of the tools.
    """
    furthest = max(abs(a - b) for a, b in zip(certified["tools"], answered["tools"], strict=True))
    by_score = [f"a probability is off by {furthest:.2g}, tolerated is {tolerance:g}"] if furthest > tolerance else []
    if certified["margin"] <= tolerance:
        return by_score
    by_choice = [
        f"{name} is {answered[name]}, not {certified[name]}"
        for name in ("tool_id", "config_id", "feasible")
        if answered[name] != certified[name]
    ]
    return by_score + by_choice


def _ramp(generator: np.random.Generator, spec: PlannerSpec, start: float, end: float) -> list[list[float]]:
    shares = np.linspace(start, end, spec.window)[:, None] * generator.uniform(0.9, 1.0, len(spec.capacity))
    return [[round(float(amount), 4) for amount in row] for row in shares * np.array(spec.capacity)]

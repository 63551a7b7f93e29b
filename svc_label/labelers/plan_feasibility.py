"""Whether plans are worth making: a planner learns nothing where next to nothing ever fits."""

from __future__ import annotations

import numpy as np

from shared.errors import InvalidInputError
from shared.planning.oracle import NONE_FITS, Oracle
from shared.planning.plans import TRAIN
from shared.planning.profile import Floats
from shared.planning.values import RESOURCES
from svc_label.labelers.plan_drawing import PlanDrawing

# Rows that are drawn to see how many are infeasible, and what share of them may be.
DRAWN = 200
MOST_INFEASIBLE = 0.8
# In a system that has this many times what a job needs, the job fits most of the time.
SPACIOUS = 8


def check_feasible(drawing: PlanDrawing) -> None:
    """InvalidInputError when next to nothing would fit; it says what of the system to raise."""
    infeasible = sum(plan.config_id == NONE_FITS for plan in drawing.plans(TRAIN, DRAWN))
    if infeasible <= MOST_INFEASIBLE * DRAWN:
        return
    oracle = drawing.oracle
    wanted = SPACIOUS * _needed(oracle)
    more = [
        f"{name}={enough:g}"
        for name, enough, has in zip(RESOURCES, wanted, oracle.capacity, strict=True)
        if enough > has
    ]
    reason = f"in {infeasible} of {DRAWN} states that were drawn nothing fits; give the system more, such as "
    raise InvalidInputError.of("parameters", reason + " and ".join(more or ["of all"]))


def _needed(oracle: Oracle) -> Floats:
    """What is enough for the easiest configuration of each job, the one with the least shares in all: float64 [4]."""
    needs, capacity = oracle.profile.needs, np.where(oracle.capacity > 0, oracle.capacity, 1.0)
    easiest = []
    for tool_id in range(len(oracle.profile.tools)):
        for size in oracle.sizes(tool_id):
            config_ids = oracle.candidates(tool_id, size)
            easiest.append(config_ids[(needs[config_ids] / capacity).sum(axis=1).argmin()])
    return np.asarray(needs[easiest].max(axis=0))

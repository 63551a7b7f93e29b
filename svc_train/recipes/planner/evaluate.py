"""How good a planner is on held-out tasks and states, measured through the predictor that will serve it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shared.modeling.planner.predictor import PlannerPredictor
from shared.planning.demand import Demand
from svc_train.recipes.planner.data import LabelledPlan


def evaluate(predictor: PlannerPredictor, plans: Sequence[LabelledPlan], demand: Demand) -> dict[str, float]:
    """Numbers by name; empty without held-out plans.

    `tool_accuracy` and `config_accuracy` over all plans; where nothing fits, the least demanding configuration for the
    job is right. `fitting`: the share of choices that fit, of the plans where anything does; over the same plans
    `regret_ms` and `regret_percent`, the mean latency beyond the oracle's, and as a share of it. A choice that cannot
    do the job (it does not fit, or is for another tool or input size) is charged with the job's slowest configuration.
    """
    if not plans:
        return {}
    answers = predictor.predict([plan.asked for plan in plans])
    chosen = [answer.choice.config_id for answer in answers]
    numbers = {
        "tool_accuracy": np.mean([a.choice.tool_id == p.tool_id for a, p in zip(answers, plans, strict=True)]),
        "config_accuracy": np.mean([one == plan.config_id for one, plan in zip(chosen, plans, strict=True)]),
    }
    pairs = [(one, plan) for one, plan in zip(chosen, plans, strict=True) if plan.is_feasible]
    if pairs:
        latency_ms = demand.profile.latency_ms
        best = np.array([latency_ms[plan.config_id] for _, plan in pairs])
        regret = np.array([_charged_ms(one, plan, demand) for one, plan in pairs]) - best
        numbers["fitting"] = np.mean([demand.fits(one, plan.asked.used) for one, plan in pairs])
        numbers["regret_ms"], numbers["regret_percent"] = regret.mean(), 100 * (regret / best).mean()
    return {name: float(value) for name, value in numbers.items()}


def _charged_ms(config_id: int, plan: LabelledPlan, demand: Demand) -> float:
    job = demand.for_same_job(plan.config_id)
    is_for_job = bool((job == config_id).any())
    latency_ms = demand.profile.latency_ms
    can_do = is_for_job and demand.fits(config_id, plan.asked.used)
    return float(latency_ms[config_id] if can_do else latency_ms[job].max())

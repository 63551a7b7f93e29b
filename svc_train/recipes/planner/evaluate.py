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
    job is right. `unaided_accuracy` and `unaided_fitting`, the share that fits where anything does, are of what the
    network finds likeliest before it is looked up what fits. `regret_ms` and `regret_percent`, where anything fits, are
    the mean latency beyond the oracle's, and as a share of it. A choice that cannot do the job, for it does not fit or
    is for another tool or input size, is charged with the job's slowest configuration.
    """
    if not plans:
        return {}
    answers = predictor.predict_unaided([plan.asked for plan in plans])
    reached = score([answer.choice.config_id for answer, _ in answers], plans, demand)
    unaided = score([best for _, best in answers], plans, demand)
    numbers = {name: reached[name] for name in ("tool_accuracy", "config_accuracy")}
    numbers["unaided_accuracy"] = unaided["config_accuracy"]
    if "fitting" in unaided:
        numbers["unaided_fitting"] = unaided["fitting"]
        numbers |= {name: reached[name] for name in ("regret_ms", "regret_percent")}
    return numbers


def score(chosen: Sequence[int], plans: Sequence[LabelledPlan], demand: Demand) -> dict[str, float]:
    """How good one config_id for each of some plans is, whoever chose it.

    `tool_accuracy` and `config_accuracy` over all plans; where anything fits, `fitting`, the share of choices that do,
    and the regret as `evaluate` says it. The last three are absent where no plan has anything that fits.
    """
    wanted = [plan.config_id for plan in plans]
    tools = demand.profile.tool_ids
    numbers = {
        "tool_accuracy": np.mean(tools[chosen] == tools[wanted]),
        "config_accuracy": np.mean(np.equal(chosen, wanted)),
    }
    feasible = [place for place, plan in enumerate(plans) if plan.is_feasible]
    if feasible:
        best = np.array([demand.profile.latency_ms[wanted[place]] for place in feasible])
        regret = np.array([_charged_ms(chosen[place], plans[place], demand) for place in feasible]) - best
        numbers["fitting"] = np.mean([demand.fitting(plans[place].asked.used)[chosen[place]] for place in feasible])
        numbers["regret_ms"], numbers["regret_percent"] = regret.mean(), 100 * (regret / best).mean()
    return {name: float(value) for name, value in numbers.items()}


def _charged_ms(config_id: int, plan: LabelledPlan, demand: Demand) -> float:
    job = demand.for_same_job(plan.config_id)
    latency_ms = demand.profile.latency_ms
    can_do = bool((job == config_id).any() and demand.fitting(plan.asked.used)[config_id])
    return float(latency_ms[config_id] if can_do else latency_ms[job].max())

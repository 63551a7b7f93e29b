"""Who answers for a plan: the planner, and the writers; what each has answered, and how good that is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.measure import median, p99
from bench.planner_writer import as_served, config_of, plan_text
from shared.modeling.bases import load_base
from shared.modeling.lora import LoraSpec, add_adapters
from shared.modeling.planner.network import PlannerLM
from shared.modeling.planner.predictor import PlannerPredictor
from shared.modeling.planner.spec import PlannerSpec
from shared.planning.values import PlanInput
from svc_train.recipes.planner.config import TARGETS
from svc_train.recipes.planner.data import PlanData
from svc_train.recipes.planner.evaluate import score

# A text that is a plan, or is none, and its tokens.
Answers = Callable[[PlanInput], tuple[str, int]]
NONE = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One that answers, and what it has answered so far."""

    name: str
    answers: Answers
    is_scored: bool
    ms: list[float] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    config_ids: list[int | None] = field(default_factory=list)

    def row(self, data: PlanData) -> list[object]:
        """The row of the table."""
        valid = [place for place, config_id in enumerate(self.config_ids) if config_id is not None]
        share = f"{len(valid) / len(self.config_ids):.0%}"
        numbers = self._numbers(valid, data) if self.is_scored else [NONE] * 3
        return [self.name, median(self.ms), p99(self.ms), share, *numbers, median(self.tokens)]

    def _numbers(self, valid: Sequence[int], data: PlanData) -> list[object]:
        """Exact and fitting of all plans, those that are not valid counted as neither; regret of the valid ones."""
        plans = data.held_out
        chosen = [config_id for config_id in self.config_ids if config_id is not None]
        found = score(chosen, [plans[place] for place in valid], data.demand) if valid else {}
        could_fit = sum(plan.is_feasible for plan in plans)
        exact = found.get("config_accuracy", 0.0) * len(valid) / len(plans)
        fits = found.get("fitting", 0.0) * sum(plans[place].is_feasible for place in valid) / max(could_fit, 1)
        return [f"{exact:.1%}", f"{fits:.1%}", found.get("regret_percent", NONE)]


def untrained_planner(base_folder: Path, data: PlanData, device: str) -> PlannerPredictor:
    """A planner with adapters and heads that have learnt nothing, computing as a loaded one does."""
    base = load_base(base_folder)
    spec = PlannerSpec(window=data.window, capacity=tuple(data.demand.capacity.tolist()))
    add_adapters(base.decoder, LoraSpec(rank=16, alpha=32, targets=TARGETS))
    network = PlannerLM(base.decoder, data.profile, spec, opening_id=base.opening_id).eval().to(device)
    as_served(network.decoder, device)
    return PlannerPredictor(
        network=network, tokenizer=base.tokenizer, spec=spec, profile=data.profile, tokenizer_digest="untrained"
    )


def planner_contender(planner: PlannerPredictor, data: PlanData, *, is_scored: bool) -> Contender:
    """The planner as one that answers."""

    def plans(asked: PlanInput) -> tuple[str, int]:
        [answer] = planner.predict([asked])
        return plan_text(data.profile, answer.choice.config_id), 0

    return Contender(name="planner, one pass", answers=plans, is_scored=is_scored)


def measure(contenders: Sequence[Contender], data: PlanData) -> None:
    """Each plan by each of them, one after the other."""
    for one in contenders:
        one.answers(data.held_out[0].asked)
    for plan in data.held_out:
        for one in contenders:
            began = time.perf_counter()
            text, tokens = one.answers(plan.asked)
            one.ms.append(1000 * (time.perf_counter() - began))
            one.tokens.append(tokens)
            one.config_ids.append(config_of(text, data.profile))

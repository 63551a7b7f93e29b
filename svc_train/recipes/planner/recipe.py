"""The recipe `planner`: plans in, a certified planner out. Imports no torch by itself."""

from __future__ import annotations

from shared.contracts.kinds import Kind
from svc_train.recipes.base import Report, TrainingJob, TrainingResult
from svc_train.recipes.planner.config import PlannerConfig


class PlannerRecipe:
    """See `Recipe`."""

    name = "planner"
    summary = "Chooses a tool and one of its configurations for a task and a system's state, learnt from plans."
    family = "planner"
    dataset_kinds: tuple[str, ...] = (Kind.PLANS,)
    parent_families: tuple[str, ...] = ("planner-encoder", "planner")
    default_base = "tiny-qwen"
    config_type = PlannerConfig

    def train(self, job: TrainingJob, report: Report) -> TrainingResult:
        """See `run.train`."""
        # torch and transformers take seconds and much memory: who only asks what the recipe is need not pay for them.
        from svc_train.recipes.planner.run import train  # noqa: PLC0415

        return train(job, report)


RECIPE = PlannerRecipe()

"""The recipe `planner-encoder`: a profile in, embeddings that a frozen base can describe out. Imports no torch."""

from __future__ import annotations

from shared.contracts.kinds import Kind
from svc_train.recipes.base import Report, TrainingJob, TrainingResult
from svc_train.recipes.planner_encoder.config import PlannerEncoderConfig


class PlannerEncoderRecipe:
    """See `Recipe`."""

    name = "planner-encoder"
    summary = "Learns an embedding for each configuration of a profile, from which the frozen base says what it is."
    family = "planner-encoder"
    dataset_kinds: tuple[str, ...] = (Kind.PROFILE,)
    parent_families: tuple[str, ...] = ("planner-encoder",)
    default_base = "tiny-qwen"
    config_type = PlannerEncoderConfig

    def train(self, job: TrainingJob, report: Report) -> TrainingResult:
        """See `run.train`."""
        # torch and transformers take seconds and much memory: who only asks what the recipe is need not pay for them.
        from svc_train.recipes.planner_encoder.run import train  # noqa: PLC0415

        return train(job, report)


RECIPE = PlannerEncoderRecipe()

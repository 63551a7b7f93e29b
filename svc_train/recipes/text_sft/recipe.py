"""The recipe `text-sft`: conversations in, a certified language model out. Imports no torch by itself."""

from __future__ import annotations

from shared.contracts.kinds import Kind
from svc_train.recipes.base import Report, TrainingJob, TrainingResult
from svc_train.recipes.text_sft.config import TextSftConfig


class TextSftRecipe:
    """See `Recipe`."""

    name = "text-sft"
    summary = "Teaches a causal language model to answer as the conversations do; only the model's turns are learnt."
    family = "text"
    dataset_kinds: tuple[str, ...] = (Kind.CHAT,)
    parent_families: tuple[str, ...] = ("text",)
    default_base = "smollm2-135m"
    config_type = TextSftConfig

    def train(self, job: TrainingJob, report: Report) -> TrainingResult:
        """See `run.train`."""
        # torch and transformers take seconds and much memory: who only asks what the recipe is need not pay for them.
        from svc_train.recipes.text_sft.run import train  # noqa: PLC0415

        return train(job, report)


RECIPE = TextSftRecipe()

"""The recipe `ocean-chat`: a Geoformer and conversations in, a certified model out. Imports no torch by itself."""

from __future__ import annotations

from shared.contracts.kinds import Kind
from svc_train.recipes.base import Report, TrainingJob, TrainingResult
from svc_train.recipes.ocean_chat.config import OceanChatConfig


class OceanChatRecipe:
    """See `Recipe`."""

    name = "ocean-chat"
    summary = "Teaches a language model to answer questions about fields, which a frozen Geoformer (its parent) reads."
    family = "ocean-chat"
    dataset_kinds: tuple[str, ...] = (Kind.CHAT,)
    parent_families: tuple[str, ...] = ("geoformer", "ocean-chat")
    default_base = "smollm2-135m"
    config_type = OceanChatConfig

    def train(self, job: TrainingJob, report: Report) -> TrainingResult:
        """See `run.train`."""
        # torch and transformers take seconds and much memory: who only asks what the recipe is need not pay for them.
        from svc_train.recipes.ocean_chat.run import train  # noqa: PLC0415

        return train(job, report)


RECIPE = OceanChatRecipe()

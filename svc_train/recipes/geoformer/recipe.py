"""The recipe `geoformer`: months of ocean fields in, a certified forecaster out. Imports no torch by itself."""

from __future__ import annotations

from shared.contracts.kinds import Kind
from svc_train.recipes.base import Report, TrainingJob, TrainingResult
from svc_train.recipes.geoformer.config import GeoformerConfig


class GeoformerRecipe:
    """See `Recipe`."""

    name = "geoformer"
    summary = "Forecasts ocean fields and the Nino indices months ahead, learnt from monthly fields."
    family = "geoformer"
    dataset_kinds: tuple[str, ...] = (Kind.FIELD,)
    parent_families: tuple[str, ...] = ("geoformer",)
    default_base = ""
    config_type = GeoformerConfig

    def train(self, job: TrainingJob, report: Report) -> TrainingResult:
        """See `run.train`."""
        # torch takes seconds and much memory: who only asks what the recipe is need not pay for it.
        from svc_train.recipes.geoformer.run import train  # noqa: PLC0415

        return train(job, report)


RECIPE = GeoformerRecipe()

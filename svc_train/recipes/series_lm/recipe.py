"""The recipe `series-lm`: labelled series in, a certified SeriesLM bundle out. Imports no torch by itself."""

from __future__ import annotations

from shared.contracts.kinds import Kind
from svc_train.recipes.base import Report, TrainingJob, TrainingResult
from svc_train.recipes.series_lm.config import SeriesLMConfig


class SeriesLMRecipe:
    """See `Recipe`."""

    name = "series-lm"
    summary = "Finds and names unusual stretches of time series, learnt from labelled segments."
    family = "series"
    dataset_kinds: tuple[str, ...] = (Kind.SEGMENTS,)
    parent_families: tuple[str, ...] = ("series",)
    default_base = "tiny-qwen"
    config_type = SeriesLMConfig

    def train(self, job: TrainingJob, report: Report) -> TrainingResult:
        """See `run.train`."""
        # torch and transformers take seconds and much memory: who only asks what the recipe is need not pay for them.
        from svc_train.recipes.series_lm.run import train  # noqa: PLC0415

        return train(job, report)


RECIPE = SeriesLMRecipe()

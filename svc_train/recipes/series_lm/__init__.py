"""`series-lm`: trains a SeriesLM on labelled segments of time series."""

from __future__ import annotations

from svc_train.recipes.series_lm.recipe import RECIPE

__all__ = ["RECIPE"]

"""`geoformer`: trains a Geoformer on months of gridded ocean fields."""

from __future__ import annotations

from svc_train.recipes.geoformer.recipe import RECIPE

__all__ = ["RECIPE"]

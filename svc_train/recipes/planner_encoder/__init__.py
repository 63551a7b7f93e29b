"""`planner-encoder`: learns an embedding for each configuration of a profile."""

from __future__ import annotations

from svc_train.recipes.planner_encoder.recipe import RECIPE

__all__ = ["RECIPE"]

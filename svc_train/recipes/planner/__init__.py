"""`planner`: learns to answer a task and a system's state with a tool and its configuration."""

from __future__ import annotations

from svc_train.recipes.planner.recipe import RECIPE

__all__ = ["RECIPE"]

"""The recipe `text-sft`: any causal language model, taught by conversations."""

from __future__ import annotations

from svc_train.recipes.text_sft.recipe import RECIPE

__all__ = ["RECIPE"]

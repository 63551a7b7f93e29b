"""The recipe `ocean-chat`: a language model that answers questions about what a Geoformer has read."""

from __future__ import annotations

from svc_train.recipes.ocean_chat.recipe import RECIPE

__all__ = ["RECIPE"]

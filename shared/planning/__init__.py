"""Profiles of tools, states of a system and plans (`profile/v1`, `plans/v1`). No torch: labelling reads them too."""

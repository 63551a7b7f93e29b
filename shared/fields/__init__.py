"""Gridded monthly fields (`field/v1`) and what is computed from them. No torch: labelling reads them too."""

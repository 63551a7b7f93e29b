"""The picture of skill by lead that is saved with a version."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from shared.fields.channels import SST
from svc_train.recipes.geoformer.data import INDEX
from svc_train.recipes.geoformer.skill import Skill

# Below this correlation a forecast of the index is commonly called useless.
USEFUL = 0.5


def draw_skill(path: Path, skills: Mapping[str, Skill], *, temperature: int, scored: str) -> None:
    """Draw correlation and RMSE by lead as PNG.

    Args:
        path: of the picture.
        skills: what is compared, by name.
        temperature: the channel of the sea-surface temperature.
        scored: which months were scored, for the title.
    """
    figure = Figure(figsize=(10, 4), layout="constrained")
    correlation, error = figure.subplots(1, 2)
    for name, skill in skills.items():
        leads = range(1, len(skill.correlation_F) + 1)
        style = {"label": name.replace("_", " "), "marker": "o", "markersize": 3}
        correlation.plot(leads, skill.correlation_F, **style)
        error.plot(leads, skill.rmse_CF[temperature], **style)
    correlation.axhline(USEFUL, color="grey", linewidth=0.8, linestyle=":")
    correlation.set(xlabel="lead in months", ylabel=f"correlation of {INDEX}", title=f"Scored: {scored}")
    error.set(xlabel="lead in months", ylabel=f"RMSE of {SST} in degrees C", title="All of the grid")
    correlation.legend()
    # Equal skill gives equal bytes: a bundle is named by its digest.
    figure.savefig(path, dpi=110, metadata={"Software": None})

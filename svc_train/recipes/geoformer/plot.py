"""The picture of skill by lead that is saved with a version."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from shared.fields.channels import SST
from shared.modeling.geoformer.predictor import FAMILY
from shared.modeling.geoformer.spec import LIM, SEASONAL
from svc_train.recipes.geoformer.baselines import DAMPED, PERSISTENCE
from svc_train.recipes.geoformer.skill import Skill

# Below this correlation a forecast of the index is commonly called useless.
USEFUL = 0.5
SPELLED = {
    FAMILY: "geoformer",
    PERSISTENCE: "persistence",
    DAMPED: "damped persistence",
    LIM: "linear inverse model",
    SEASONAL: "linear model with seasons",
}
# Colours that colour-blind people can tell apart (Okabe and Ito); what is compared with is drawn behind.
COLOURS = {FAMILY: "#D55E00", PERSISTENCE: "#999999", DAMPED: "#CC79A7", LIM: "#0072B2", SEASONAL: "#009E73"}


def draw_skill(path: Path, skills: Mapping[str, Skill], *, temperature: int, scored: str) -> None:
    """Draw correlation and RMSE by lead as PNG.

    Args:
        path: of the picture.
        skills: what is compared, by name.
        temperature: the channel of the sea-surface temperature.
        scored: which months were scored, for the title.
    """
    figure = skill_figure(skills, temperature=temperature, scored=scored)
    # Equal skill gives equal bytes: a bundle is named by its digest.
    figure.savefig(path, dpi=110, metadata={"Software": None})


def skill_figure(skills: Mapping[str, Skill], *, temperature: int, scored: str) -> Figure:
    """See `draw_skill`."""
    figure = Figure(figsize=(13, 4.2), layout="constrained")
    correlation, index_error, field_error = figure.subplots(1, 3)
    # Each line lies over those before it, and the forecaster's over all.
    for name in sorted(skills, key=lambda name: name == FAMILY):
        skill, style = skills[name], _style(name)
        leads = range(1, len(skill.correlation_F) + 1)
        correlation.plot(leads, skill.correlation_F, **style)
        index_error.plot(leads, skill.index_rmse_F, **style)
        field_error.plot(leads, skill.rmse_CF[temperature], **style)
    correlation.axhline(USEFUL, color="#000000", linewidth=0.8, linestyle=":", label=f"{USEFUL:g}, useful above")
    correlation.set(ylabel="correlation of Nino3.4", title="Nino3.4")
    index_error.set(ylabel="RMSE of Nino3.4 (°C)", title="Nino3.4")
    field_error.set(ylabel=f"RMSE of {SST} (°C)", title="All of the grid")
    for axes in (correlation, index_error, field_error):
        _tidy(axes)
    figure.suptitle(f"Forecasts of {scored}")
    handles, labels = correlation.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(handles), frameon=False)
    return figure


def _style(name: str) -> dict[str, Any]:
    ours = name == FAMILY
    return {
        "label": SPELLED.get(name, name.replace("_", " ")),
        "color": COLOURS.get(name),
        "linewidth": 2.6 if ours else 1.4,
        "linestyle": "-" if ours else "--",
        # Open marks show where the forecaster's line covers another.
        "marker": "o" if ours else "s",
        "markersize": 4 if ours else 7,
        "markerfacecolor": None if ours else "none",
    }


def _tidy(axes: Axes) -> None:
    axes.set_xlabel("lead (months)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_ylim()[0] > 0:
        axes.set_ylim(bottom=0)

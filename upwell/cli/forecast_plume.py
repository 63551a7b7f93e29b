"""The plume of a Nino index: what was, what is forecast and how far off that may be, and what came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from upwell.errors import ToolError
from upwell.infer.v1 import forecast_pb2

USUAL_INDEX = "nino34"
INDEX_NAMES = {"nino12": "Nino1+2", "nino3": "Nino3", "nino34": "Nino3.4", "nino4": "Nino4"}
WARM, COLD = 0.5, -0.5
PAST, AHEAD = "#000000", "#D55E00"


def index_named(answer: forecast_pb2.ForecastResponse, name: str) -> str:
    """The index that is drawn: Nino3.4 unless another is named, else the first; empty where the forecast has none.

    Raises:
        ToolError: the forecast has no index of that name.
    """
    held = [index.name for index in answer.nino]
    if name and name not in held:
        has = f"it has: {', '.join(held)}" if held else "its grid holds no Nino box"
        raise ToolError(f"The forecast has no index {name!r}; {has}.")
    return name or (USUAL_INDEX if USUAL_INDEX in held else "".join(held[:1]))


def draw_plume(axes: Any, answer: forecast_pb2.ForecastResponse, name: str) -> None:
    """Draw the index of that name; words where it is empty."""
    ahead = _values(answer.nino, name)
    if not ahead:
        axes.text(0.5, 0.5, "the forecast's grid holds no Nino box", ha="center", va="center")
        axes.set_axis_off()
        return
    before, came = _values(answer.history_nino, name), _values(answer.observed_nino, name)
    past, future = list(answer.history_months) if before else [], list(answer.fields.months)
    axes.axhspan(COLD, WARM, color=PAST, alpha=0.06)
    axes.axhline(0, color=PAST, linewidth=0.6)
    first = len(past)
    if before:
        axes.plot(range(first), before, color=PAST, marker="o", markersize=3, label="what was")
    if came:
        axes.plot(
            range(first, first + len(came)),
            came,
            color=PAST,
            linestyle=":",
            marker="o",
            markersize=4,
            markerfacecolor="none",
            label="what came",
        )
    rmse = next(list(index.rmse) for index in answer.nino if index.name == name)
    # From the last month that is known, which nothing is off from, so that the eye need not jump.
    known = before[-1:]
    _draw_ahead(axes, first - len(known), [*known, *ahead], [0.0] * len(known) + rmse if rmse else [])
    axes.set_xticks(range(len(past) + len(future)), [*past, *future], rotation=60, fontsize=7)
    axes.set_ylabel(f"{INDEX_NAMES.get(name, name)} anomaly (°C)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))


def _draw_ahead(axes: Any, first: int, values: Sequence[float], errors: Sequence[float]) -> None:
    places = range(first, first + len(values))
    if errors:
        low, high = ([value + sign * error for value, error in zip(values, errors, strict=True)] for sign in (-1, 1))
        label = "± RMSE of such\nforecasts held out"
        axes.fill_between(places, low, high, color=AHEAD, alpha=0.18, linewidth=0, label=label)
    axes.plot(places, values, color=AHEAD, linestyle="--", marker="s", markersize=3, label="forecast")


def _values(indices: Sequence[forecast_pb2.NinoIndex], name: str) -> list[float]:
    return next((list(index.values) for index in indices if index.name == name), [])

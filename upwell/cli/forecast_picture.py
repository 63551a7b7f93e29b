"""Forecasts as a picture: maps of anomalies, and the plume of a Nino index."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from upwell.cli.forecast_plume import draw_plume, index_named
from upwell.cli.output import version_name
from upwell.cli.pictures import DOTS_PER_INCH, pyplot_without_screen
from upwell.errors import ToolError
from upwell.infer.v1 import forecast_pb2

COLUMNS = 3
# Of the map's own shape, so that a degree is as long east as north; with room for a title.
MAP_WIDTH_INCHES = 4.2
LEAST_MAP_INCHES = 1.2
TITLE_INCHES = 0.5
PLUME_INCHES = 3.0
LAND = "#c9c5bd"
# Blue is cold and red is warm, and colour-blind people can tell them apart.
COLOURS = "RdBu_r"
# Of the units of the contracts, those that people write in another way.
WRITTEN = {"degC": "°C", "N m-2": "N m⁻²"}


def draw_forecast(answer: forecast_pb2.ForecastResponse, path: Path, *, channel: str, index: str) -> None:
    """Draw into a file.

    Args:
        answer: the forecast.
        path: .png or .svg.
        channel: the field on the maps; empty takes the first.
        index: the index of the plume; empty takes Nino3.4 where the forecast has it, else the first.

    Raises:
        ToolError: there is no such channel or index, matplotlib is not installed, or the file cannot be written.
    """
    maps = _maps(answer.fields, channel)
    index = index_named(answer, index)
    pyplot = pyplot_without_screen()
    fields = answer.fields
    columns = min(COLUMNS, len(maps))
    rows = math.ceil(len(maps) / columns)
    height = max(LEAST_MAP_INCHES, MAP_WIDTH_INCHES * _shape(fields)) + TITLE_INCHES
    size = (MAP_WIDTH_INCHES * columns + 1, height * rows + PLUME_INCHES)
    with pyplot.rc_context({"svg.fonttype": "none"}):
        figure = pyplot.figure(figsize=size, layout="constrained")
        try:
            upper, lower = figure.subfigures(2, 1, height_ratios=(height * rows, PLUME_INCHES))
            _draw_maps(upper, upper.subplots(rows, columns, squeeze=False).flat, answer, maps)
            draw_plume(lower.subplots(), answer, index)
            figure.savefig(path, dpi=DOTS_PER_INCH)
        except OSError as error:
            raise ToolError(f"{path} cannot be written: {error.strerror}.") from error
        finally:
            pyplot.close(figure)


def _maps(fields: forecast_pb2.Fields, channel: str) -> list[tuple[str, str, list[list[float]]]]:
    """(channel, month, rows of the map) of each month."""
    names = list(fields.channels)
    name = channel or names[0]
    if name not in names:
        raise ToolError(f"The forecast has no field {name!r}; it has: {', '.join(names)}.")
    width, height = len(fields.longitudes), len(fields.latitudes)
    cells = width * height
    values = list(fields.values)
    starts = [(lead * len(names) + names.index(name)) * cells for lead in range(len(fields.months))]
    return [
        (name, month, [values[start + row * width : start + (row + 1) * width] for row in range(height)])
        for month, start in zip(fields.months, starts, strict=True)
    ]


def _shape(fields: forecast_pb2.Fields) -> float:
    """Height of the map by its width."""
    north, east = fields.latitudes, fields.longitudes
    return (north[-1] - north[0]) / max(east[-1] - east[0], 1e-9)


def _draw_maps(
    figure: Any,
    places: Any,
    answer: forecast_pb2.ForecastResponse,
    maps: Sequence[tuple[str, str, list[list[float]]]],
) -> None:
    fields = answer.fields
    name = maps[0][0]
    known = [abs(value) for _, _, rows in maps for row in rows for value in row if math.isfinite(value)]
    largest = max(known, default=0.0) or 1.0
    axes, drawn = list(places), None
    for place, (lead, (_, month, rows)) in zip(axes, enumerate(maps, start=1), strict=False):
        drawn = place.pcolormesh(
            list(fields.longitudes),
            list(fields.latitudes),
            rows,
            cmap=COLOURS,
            vmin=-largest,
            vmax=largest,
            shading="nearest",
        )
        place.set_facecolor(LAND)
        place.set_title(f"{month} (+{lead})", fontsize=9)
        place.tick_params(labelsize=7)
        place.xaxis.set_major_formatter(lambda degrees, _: longitude(degrees))
        place.yaxis.set_major_formatter(lambda degrees, _: latitude(degrees))
    for place in axes[len(maps) :]:
        place.set_visible(False)
    figure.colorbar(drawn, ax=axes, shrink=0.7, label=_anomaly_of(fields, name))
    figure.suptitle(_title(answer, name), fontsize=11)


def longitude(degrees: float) -> str:
    """`160°E`, `100°W`; degrees go eastward from 0 to 360."""
    east = (degrees + 180) % 360 - 180
    return f"{abs(east):g}°{'' if abs(east) in (0, 180) else 'E' if east > 0 else 'W'}"


def latitude(degrees: float) -> str:
    """`10°S`, `0°`."""
    return f"{abs(degrees):g}°{'' if not degrees else 'N' if degrees > 0 else 'S'}"


def _title(answer: forecast_pb2.ForecastResponse, channel: str) -> str:
    """Who looked ahead from what, and in a second line what the anomalies depart from, where that is known."""
    of = f" of {version_name(answer.dataset)}" if answer.dataset.name else ""
    base = _said_of(answer.fields, answer.fields.bases, channel)
    since = f"\nanomalies from the usual year of {base.replace('/', ' to ')}" if "/" in base else ""
    return f"{version_name(answer.model)} from {answer.history_months[-1]}{of}{since}"


def _anomaly_of(fields: forecast_pb2.Fields, channel: str) -> str:
    """What the colours mean: `sst anomaly (°C)`."""
    units = _said_of(fields, fields.units, channel)
    return f"{channel} anomaly ({WRITTEN.get(units, units)})" if units else f"{channel} anomaly"


def _said_of(fields: forecast_pb2.Fields, said: Sequence[str], channel: str) -> str:
    """What is said of a channel; empty where there is nothing."""
    return dict(zip(fields.channels, said, strict=False)).get(channel, "")

"""The grid, the months and the land that a dataset gets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from shared.errors import InvalidInputError
from shared.fields.grid import cell_edges
from shared.fields.layout import FieldHeader
from shared.fields.months import month_of, months_between
from svc_ingest.sources.field.axes import MOST_CELLS
from svc_ingest.sources.field.channels import Channel
from svc_ingest.sources.field.parameters import FieldParameters


def header_for(channels: Sequence[Channel], parameters: FieldParameters) -> FieldHeader:
    """What is written: the channels, in their order, on the grid of the first one. Land is not known yet.

    Raises:
        InvalidInputError: months are missing and may not, or the base period or the grid does not fit.
    """
    for channel in channels:
        if channel.first.months.gaps and parameters.gaps == "refuse":
            gaps = some(channel.first.months.gaps)
            reason = f"these months are missing or hardly observed: {gaps}; gaps='missing' keeps them as missing"
            raise channel.first.wrong(reason)
    months = _months(channels)
    lat, lon = _grid(channels[0], parameters)
    return FieldHeader(
        channels={channel.name: channel.units for channel in channels},
        months=months,
        lat=lat,
        lon=lon,
        land=np.zeros((len(lat), len(lon)), dtype=np.bool_),
        base=parameters.base((months[0], months[-1])),
        given_as_anomalies=tuple(channel.name for channel in channels if channel.first.is_anomaly),
    )


def _months(channels: Sequence[Channel]) -> tuple[date, ...]:
    first = min(channel.first.months.first for channel in channels)
    last = max(channel.first.months.last for channel in channels)
    return months_between(month_of(first), month_of(last))


def _grid(channel: Channel, parameters: FieldParameters) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    lat = _axis(channel.first.lat.centres, parameters.lat_min, parameters.lat_max, parameters.resolution)
    lon = _axis(channel.first.lon.centres, parameters.lon_min, parameters.lon_max, parameters.resolution)
    for name, centres in (("lat", lat), ("lon", lon)):
        if len(centres) < 2:
            reason = f"leaves {len(centres)} centres of {name}; needed are 2: take a finer one, or a wider box"
            raise InvalidInputError.of("parameters.resolution", reason)
    if len(lat) * len(lon) > MOST_CELLS:
        raise InvalidInputError.of("parameters.resolution", f"makes {len(lat) * len(lon)} cells; at most {MOST_CELLS}")
    return lat, lon


def _axis(centres: NDArray[np.float64], low: float, high: float, step: float) -> NDArray[np.float64]:
    if step == 0:
        return centres[(centres >= low) & (centres <= high)]
    edges_low, edges_high = cell_edges(centres)
    wanted = low + step * (np.arange(min(MOST_CELLS, int((high - low) / step + 1e-6))) + 0.5)
    return np.asarray(wanted[(wanted >= edges_low[0]) & (wanted <= edges_high[-1])])


def some(names: Sequence[str]) -> str:
    """Five of the names, and how many more there are."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")

"""The golden inputs of the family `geoformer`: fields from a formula, of which a certificate holds a few numbers."""

# ruff: noqa: N806 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from shared.fields.values import FieldAnswer, FieldInput
from shared.modeling.geoformer.spec import GeoformerSpec

# A forecast is compared at every so many rows and columns of the grid.
STRIDE = 3, 7


def golden_inputs(spec: GeoformerSpec) -> list[dict[str, Any]]:
    """A wave that goes east, and one that goes west with a month missing; both over a sea with an island."""
    leads = min(spec.horizon, 6)
    return [
        {"id": "eastward", "period": 40, "missing": [], "last_month": "2000-03-01", "leads": leads},
        {"id": "westward", "period": -31, "missing": [2], "last_month": "2011-11-01", "leads": leads},
    ]


def parse_golden_input(body: Mapping[str, Any], spec: GeoformerSpec) -> FieldInput:
    """The fields that the formula gives on the spec's grid."""
    lat, lon = np.array(spec.lat), np.array(spec.lon)
    month_T = np.arange(spec.history)
    phase_TX = 2 * np.pi * (month_T[:, None] / body["period"] - lon[None, :] / 160)
    values_TCYX = np.stack(
        [
            scale * np.sin(phase_TX + channel)[:, None, :] * np.exp(-((lat / 12) ** 2))[None, :, None]
            for channel, scale in enumerate(spec.scales)
        ],
        axis=1,
    )
    values_TCYX[:, :, : len(lat) // 3, : len(lon) // 5] = np.nan
    values_TCYX[[month for month in body["missing"] if month < spec.history]] = np.nan
    return FieldInput(
        id=body["id"],
        channels=spec.channels,
        values=values_TCYX.astype(np.float32),
        lat=lat,
        lon=lon,
        last_month=date.fromisoformat(body["last_month"]),
        leads=body["leads"],
    )


def answer_as_json(answer: FieldAnswer, spec: GeoformerSpec) -> dict[str, Any]:
    """What a certificate holds of the answer: anomalies, divided by their channel's scale, at some places; indices."""
    scaled = answer.values / np.array(spec.scales, dtype=np.float32)[:, None, None]
    places = scaled[:, :, :: STRIDE[0], :: STRIDE[1]].ravel()
    return {
        "shape": list(answer.values.shape),
        "places": [None if np.isnan(value) else float(f"{value:.7g}") for value in places.tolist()],
        "nino": {name: [float(f"{value:.7g}") for value in values] for name, values in answer.nino.items()},
    }


def differences(certified: Mapping[str, Any], answered: Mapping[str, Any], *, tolerance: float) -> list[str]:
    """What differs between two answers: decided are the shape, what is land, and which indices there are."""
    if certified["shape"] != answered["shape"]:
        return [f"the forecast has the shape {answered['shape']}, not {certified['shape']}"]
    if certified["nino"].keys() != answered["nino"].keys():
        return [f"the indices are {sorted(answered['nino'])}, not {sorted(certified['nino'])}"]
    wanted, found = (np.array(body["places"], dtype=np.float64) for body in (certified, answered))
    if not np.array_equal(np.isnan(wanted), np.isnan(found)):
        return ["the forecast is unknown at other places"]
    off = {"an anomaly": np.nanmax(np.abs(wanted - found), initial=0.0)}
    for name, values in certified["nino"].items():
        off[name] = np.abs(np.array(values) - np.array(answered["nino"][name])).max()
    return [f"{name} is off by {by:.2g}, tolerated is {tolerance:g}" for name, by in off.items() if by > tolerance]

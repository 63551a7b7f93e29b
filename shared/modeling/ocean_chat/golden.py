"""The golden inputs of the family: questions about fields made from a formula on the model's own grid."""

# ruff: noqa: RUF001, N803, N806 - Chinese has punctuation of its own; names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from shared.contracts.chat import GEOFORMER
from shared.fields.samples import FieldSample
from shared.modeling.geoformer.spec import GeoformerSpec
from shared.modeling.text import golden as text

# Numbers of each embedding that a certificate holds.
CERTIFIED = 4


def golden_inputs() -> list[dict[str, Any]]:
    """A question about fields, one in Chinese about fewer months, and one without fields."""
    return [
        {"messages": [_asked(f"{GEOFORMER}\nHow did the Nino3.4 index change in these months?")], "months": [9]},
        {"messages": [_asked(f"{GEOFORMER}\n最后一个月的Nino3.4指数是多少？")], "months": [4]},
        {"messages": [_asked("What is El Nino?")], "months": []},
    ]


def golden_samples(golden_input: Mapping[str, Any], spec: GeoformerSpec) -> list[FieldSample]:
    """The fields of a golden input."""
    return [golden_sample(int(months), spec) for months in golden_input["months"]]


def golden_sample(months: int, spec: GeoformerSpec) -> FieldSample:
    """A wave that travels eastward, as large as the channels' anomalies usually are; one corner is land."""
    phase_TX = np.linspace(0, 3 * np.pi, len(spec.lon)) - 0.4 * np.arange(months)[:, None]
    shape_Y1 = np.cos(np.linspace(-1, 1, len(spec.lat)))[:, None]
    wave_TYX = np.sin(phase_TX)[:, None, :] * shape_Y1
    values_TCYX = (wave_TYX[:, None] * np.array(spec.scales)[:, None, None]).astype(np.float32)
    values_TCYX[:, :, : len(spec.lat) // 3, : len(spec.lon) // 4] = np.nan
    return FieldSample(
        channels=spec.channels,
        history_TCYX=values_TCYX,
        future_FCYX=values_TCYX[:0],
        lat=np.array(spec.lat),
        lon=np.array(spec.lon),
        months=tuple(f"2001-{month:02d}" for month in range(1, months + 1)),
    )


def field_scores(embeddings_PH: Tensor, magnitude: float) -> list[list[float]]:
    """What is certified of the fields' embeddings: a few numbers of each, near 1 as words have them.

    The probabilities of words alone would not tell: what fields change in them may be less than is tolerated.
    """
    return [[float(f"{one:.5g}") for one in row] for row in (embeddings_PH[:, :CERTIFIED] / magnitude).tolist()]


def differences(certified: Mapping[str, Any], answered: Mapping[str, Any], *, tolerance: float) -> list[str]:
    """What differs between two answers: in what was read of the fields, and as texts differ."""
    wanted, found = np.array(certified["fields"]), np.array(answered["fields"])
    if wanted.shape != found.shape:
        return [f"the fields became {len(found)} embeddings, not {len(wanted)}"]
    furthest = float(np.abs(wanted - found).max(initial=0))
    by_field = (
        [f"the fields are read off by {furthest:.2g}, tolerated is {tolerance:g}"] if furthest > tolerance else []
    )
    return by_field + text.differences(certified, answered, tolerance=tolerance)


def _asked(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}

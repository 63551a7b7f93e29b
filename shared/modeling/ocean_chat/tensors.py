"""Samples to the tensors that a Geoformer reads.

Shape suffixes: B = samples, always one; T = months, C = channels, Y = latitudes, X = longitudes, P = patches.
"""

# ruff: noqa: N806, N815 - names end in their shape, in capitals

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

from shared.errors import InvalidInputError
from shared.fields.bases import other_base
from shared.fields.grid import axis_in_words, same_axis
from shared.fields.samples import FieldSample
from shared.modeling.geoformer.patches import to_patches
from shared.modeling.geoformer.spec import GeoformerSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldTensors:
    """One sample's history.

    Args:
        values_BTCYX: float32 anomalies, 0 where not known.
        known_BTCYX: bool, False on land, for what is missing, and for a channel that the sample does not have.
        months_BT: int64, months of the year, 0 = January.
        present_TP: bool, which patches hold anything known.
    """

    values_BTCYX: Tensor
    known_BTCYX: Tensor
    months_BT: Tensor
    present_TP: Tensor

    def to(self, device: torch.device) -> FieldTensors:
        """The same on a device."""
        return replace(self, **{one.name: getattr(self, one.name).to(device) for one in fields(self)})


def field_tensors(sample: FieldSample, spec: GeoformerSpec, place: str) -> FieldTensors:
    """The sample as the Geoformer reads it; what follows the history is never read.

    Raises:
        InvalidInputError: another grid or base, none of the Geoformer's channels, or nothing known at all.
    """
    _check_grid(sample, spec, place)
    values_TCYX = np.full((sample.history, *spec.shape), np.nan, dtype=np.float32)
    for number, channel in enumerate(spec.channels):
        if channel in sample.channels:
            values_TCYX[:, number] = sample.history_TCYX[:, sample.channels.index(channel)]
    known_TCYX = np.isfinite(values_TCYX)
    if not known_TCYX.any():
        raise InvalidInputError.of("features", f"{place}: in no month of 'history' anything is known")
    known_BTCYX = torch.from_numpy(known_TCYX)[None]
    return FieldTensors(
        values_BTCYX=torch.from_numpy(np.nan_to_num(values_TCYX))[None],
        known_BTCYX=known_BTCYX,
        months_BT=torch.tensor([[int(month[5:]) - 1 for month in sample.months[: sample.history]]]),
        present_TP=to_patches(known_BTCYX.float(), spec).any(dim=3)[0],
    )


def _check_grid(sample: FieldSample, spec: GeoformerSpec, place: str) -> None:
    for name, found, wanted in (("lat", sample.lat, spec.lat), ("lon", sample.lon, spec.lon)):
        if not same_axis(found, wanted):
            reason = f"{name!r} has {axis_in_words(found)}; the Geoformer reads {axis_in_words(wanted)}"
            raise InvalidInputError.of("features", f"{place}: {reason}")
    if reason := other_base(sample.channels, sample.bases, spec.channels, spec.bases, reader="the Geoformer"):
        raise InvalidInputError.of("features", f"{place}: {reason}")
    if not set(sample.channels) & set(spec.channels):
        reason = f"has the channels {', '.join(sample.channels)}; the Geoformer reads {', '.join(spec.channels)}"
        raise InvalidInputError.of("features", f"{place}: {reason}")

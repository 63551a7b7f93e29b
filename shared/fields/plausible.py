"""How far an anomaly of a channel can go, so that absolute values and rubbish are not taken for anomalies."""

# ruff: noqa: N803, N806 - names end in their shape, in capitals

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from shared.fields.channels import EASTWARD_STRESS, NORTHWARD_STRESS, SST, UNITS

# The greatest anomaly of a month, up or down, in the channel's unit. The seas of the tropics are warmer than the bound
# of the temperature, so their absolute temperatures lie beyond it, in degrees C and in K.
TEMPERATURE = 15.0
GREATEST: Mapping[str, float] = {SST: TEMPERATURE, EASTWARD_STRESS: 2.0, NORTHWARD_STRESS: 2.0, "ssh": 2.0}
DEPTH = re.compile(r"t\d{1,4}")


def greatest_anomaly(channel: str) -> float | None:
    """The bound of a channel that is known by its name; `t` and a depth, as in `t100`, is a temperature."""
    return TEMPERATURE if DEPTH.fullmatch(channel) else GREATEST.get(channel)


def implausible(channels: Sequence[str], values_TCYX: NDArray[np.float32]) -> str:
    """What says that values are no anomalies, for people; empty where they may be.

    Args:
        channels: names of the fields.
        values_TCYX: what is taken for their anomalies; NaN where nothing is known.
    """
    for number, channel in enumerate(channels):
        bound = greatest_anomaly(channel)
        values_TYX = values_TCYX[:, number]
        beyond = values_TYX[np.abs(values_TYX) > bound] if bound is not None else values_TYX[:0, 0]
        if beyond.size:
            units = f" {UNITS[channel]}" if channel in UNITS else ""
            return (
                f"{channel} has {beyond[0]:g}{units}; a month's anomaly lies within -{bound:g} to {bound:g}. "
                "These look absolute: send anomalies, what departs from the usual year"
            )
    return ""

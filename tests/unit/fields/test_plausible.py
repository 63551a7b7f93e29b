from __future__ import annotations

import numpy as np
import pytest

from shared.fields.plausible import greatest_anomaly, implausible


def fields(value: float) -> np.ndarray:
    """Two channels of one month; land in a corner, the value in another one."""
    values = np.zeros((1, 2, 2, 3), dtype=np.float32)
    values[:, :, 0, 0] = np.nan
    values[0, 1, 1, 2] = value
    return values


@pytest.mark.parametrize(
    ("channel", "value", "said"),
    [
        ("sst", 27.5, "sst has 27.5 degC; a month's anomaly lies within -15 to 15. These look absolute"),
        ("sst", 300.0, "sst has 300 degC"),
        ("sst", -1e30, "sst has -1e"),
        ("t100", 25.0, "t100 has 25; a month's"),
        ("taux", 30.0, "taux has 30 N m-2; a month's anomaly lies within -2 to 2"),
    ],
)
def test_what_is_beyond_the_bound_of_a_channel_is_named(channel: str, value: float, said: str) -> None:
    assert implausible(("ice", channel), fields(value)).startswith(said)


@pytest.mark.parametrize(("channel", "value"), [("sst", -8.0), ("taux", 0.3), ("ssh", np.nan), ("chlorophyll", 400.0)])
def test_anomalies_and_channels_of_no_known_bound_are_taken(channel: str, value: float) -> None:
    assert not implausible(("ice", channel), fields(value))


def test_a_temperature_at_a_depth_is_a_temperature() -> None:
    assert greatest_anomaly("t100") == greatest_anomaly("sst")
    assert greatest_anomaly("tauz") is None

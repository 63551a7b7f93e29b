"""A small tropical Pacific: a slow oscillation in the sea surface temperature, winds that follow it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np

from shared.fields.layout import FieldHeader
from shared.fields.months import month_text, months_between
from shared.fields.samples import FieldSample
from shared.fields.writing import write_field

LAT, LON = np.arange(-8.0, 9, 4), np.arange(160.0, 281, 10)


def warmth(months: int, seed: int = 0) -> np.ndarray:
    """An index in degrees C, float64 [months]."""
    noise = np.random.default_rng(seed).normal(0, 0.1, months)
    return 1.5 * np.sin(2 * np.pi * np.arange(months) / 40) + noise


def maps(index: np.ndarray, channels: tuple[str, ...]) -> np.ndarray:
    """Float32 [months, channels, lat, lon]: each channel follows the index; land at the south-east."""
    east = np.linspace(0.4, 1, len(LON))
    shape = np.cos(np.radians(3 * LAT))[:, None] * east
    scale = {"sst": 1.0, "taux": 0.02, "tauy": -0.01}
    values = np.stack([index[:, None, None] * shape * scale[channel] for channel in channels], axis=1)
    values[:, :, 0, -2:] = np.nan
    return values.astype(np.float32)


def ocean_sample(
    *, history: int = 8, future: int = 4, channels: tuple[str, ...] = ("sst", "taux"), start: int = 0, facts: str = ""
) -> FieldSample:
    """Months from 2001-01 on."""
    values = maps(warmth(start + history + future)[start:], channels)
    months = months_between(date(2001, 1, 1), date(2030, 12, 1))[start : start + history + future]
    return FieldSample(
        channels=channels,
        history_TCYX=values[:history],
        future_FCYX=values[history:],
        lat=LAT,
        lon=LON,
        months=tuple(month_text(month) for month in months),
        facts=facts,
    )


def ocean_field(folder: Path, months: int = 120, channels: tuple[str, ...] = ("sst", "taux")) -> Path:
    """A `field/v1` in the folder: anomalies with a usual year of zero."""
    folder.mkdir(parents=True, exist_ok=True)
    all_months = months_between(date(2001, 1, 1), date(2030, 12, 1))[:months]
    values = maps(warmth(months), channels)
    header = FieldHeader(
        channels={channel: "degC" if channel == "sst" else "N m-2" for channel in channels},
        months=all_months,
        lat=LAT,
        lon=LON,
        land=np.isnan(values[0, 0]),
        base=(all_months[0], all_months[-1]),
        given_as_anomalies=channels,
    )
    write_field(folder, header, {channel: values[:, number] for number, channel in enumerate(channels)})
    return folder

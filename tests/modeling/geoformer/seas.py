"""Small seas that hold the Nino3.4 box, and training jobs over them."""

# ruff: noqa: N806 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from shared.fields.channels import UNITS
from shared.fields.layout import FieldHeader
from shared.fields.writing import write_field
from svc_train.recipes.base import DatasetSource, TrainingJob

LAT = np.arange(-6.0, 7.0, 3.0)
LON = np.arange(186.0, 250.0, 6.0)
DIGEST = "f" * 64
# What makes a run of seconds.
SMALL = {
    "history": 6,
    "horizon": 4,
    "patch_rows": 3,
    "patch_columns": 4,
    "d_model": 16,
    "heads": 2,
    "batch_size": 8,
    "max_steps": 4,
    "warmup_steps": 2,
    "lim_modes": 3,
    "lim_folds": 2,
}


def months_from(year: int, count: int) -> tuple[date, ...]:
    return tuple(date(year + number // 12, number % 12 + 1, 1) for number in range(count))


def travelling_wave(months: int = 150, *, noise: float = 0.05, period: float = 18.0) -> np.ndarray:
    """[T, Y, X]: goes east, with a corner of land."""
    phase_TX = 2 * np.pi * (np.arange(months)[:, None] / period - LON[None, :] / 120)
    values = np.sin(phase_TX)[:, None, :] * np.exp(-((LAT / 8) ** 2))[None, :, None]
    values = values + np.random.default_rng(3).normal(0, noise, values.shape)
    values[:, 0, :2] = np.nan
    return values.astype(np.float32)


def write_sea(folder: Path, values: Mapping[str, np.ndarray], *, lat: np.ndarray = LAT, lon: np.ndarray = LON) -> Path:
    months = months_from(1990, len(next(iter(values.values()))))
    land = ~np.stack([np.isfinite(field).any(axis=0) for field in values.values()]).any(axis=0)
    header = FieldHeader(
        channels={name: UNITS.get(name, "1") for name in values},
        months=months,
        lat=lat,
        lon=lon,
        land=land,
        base=(months[0], months[-1]),
        given_as_anomalies=tuple(values),
    )
    write_field(folder, header, values)
    return folder


def sea_job(folder: Path, values: Mapping[str, np.ndarray] | None = None, **hyperparameters: Any) -> TrainingJob:
    """A job over a travelling wave, unless other fields are given."""
    fields = {"sst": travelling_wave()} if values is None else values
    return TrainingJob(
        hyperparameters=SMALL | hyperparameters,
        base=None,
        training_set=DatasetSource(name="sea", digest=DIGEST, folder=write_sea(folder / "training_set", fields)),
        series=(),
        bundle_dir=folder / "output" / "bundle",
    )

"""Months of a `field/v1` training set: read, and split by time."""

# ruff: noqa: N803, N806, N815 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from shared.errors import InvalidInputError
from shared.fields.bases import bases_of, in_base
from shared.fields.channels import SST
from shared.fields.nino import BOXES, box_weights, holds_box
from shared.fields.plausible import implausible
from shared.fields.store import Fields, open_fields
from shared.modeling.geoformer.lim import Floats
from svc_train.recipes.base import TrainingJob
from svc_train.recipes.geoformer.config import GeoformerConfig
from svc_train.recipes.geoformer.periods import split, windows
from svc_train.recipes.hyperparameters import FIELD

INDEX = "nino34"
# Training windows below which there is nothing to learn.
FEWEST_WINDOWS = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OceanData:
    """Anomalies of one grid, and which months are for what.

    A window is named by the row of its last month of history.

    Args:
        anomalies_TCYX: in their own units; NaN where not known.
        months: the first day of each month.
        channels: names, in the order of the network's.
        scales: the spread of each channel in the months to learn from.
        units, bases: of each channel; see `GeoformerSpec`.
        lat, lon: degrees of the grid's centres.
        index_YX: what the temperature is weighted with to give the Nino3.4 index; adds up to 1.
        area_Y: weight of a row of the grid, by its area.
        usable_T: the months to learn from.
        scored_T: the months whose forecast is scored.
        train: windows to learn from, all of their history usable, and the first month behind it.
        test: windows whose first month behind the history is scored.
    """

    anomalies_TCYX: Floats
    months: tuple[date, ...]
    channels: tuple[str, ...]
    scales: tuple[float, ...]
    units: tuple[str, ...]
    bases: tuple[str, ...]
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    index_YX: Floats
    area_Y: Floats
    usable_T: NDArray[np.bool_]
    scored_T: NDArray[np.bool_]
    train: NDArray[np.int64]
    test: NDArray[np.int64]

    @property
    def temperature(self) -> int:
        """The channel that the index is made of."""
        return self.channels.index(SST)

    @property
    def scored_in_base(self) -> int:
        """Scored months whose usual year, that of any channel, they are a part of themselves."""
        seen = np.array([in_base(base, self.months) for base in self.bases]).any(axis=0)
        return int((self.scored_T & seen).sum())

    @property
    def calendar(self) -> NDArray[np.int64]:
        """Calendar months, 0 = January."""
        return np.array([month.month - 1 for month in self.months])

    def histories(self, rows: NDArray[np.int64], length: int) -> tuple[Floats, NDArray[np.int64]]:
        """The windows' histories [N, T, C, Y, X], oldest month first, and their calendar months [N, T]."""
        rows_NT = rows[:, None] + np.arange(1 - length, 1)
        return self.anomalies_TCYX[rows_NT], self.calendar[rows_NT]

    def futures(self, rows: NDArray[np.int64], leads: int, wanted_T: NDArray[np.bool_]) -> Floats:
        """[N, F, C, Y, X]: NaN for the months that are not wanted, and for those behind the last."""
        ahead_NF = rows[:, None] + np.arange(1, leads + 1)
        inside_NF = np.minimum(ahead_NF, len(self.months) - 1)
        kept_NF = wanted_T[inside_NF] & (ahead_NF < len(self.months))
        return np.where(kept_NF[:, :, None, None, None], self.anomalies_TCYX[inside_NF], np.float32(np.nan))

    def index(self, fields: Floats) -> NDArray[np.float64]:
        """The Nino3.4 index of fields [..., C, Y, X]; NaN where the box is not known."""
        temperature = fields[..., self.temperature, :, :]
        inside = self.index_YX > 0
        return np.asarray((temperature[..., inside] * self.index_YX[inside]).sum(axis=-1, dtype=np.float64))


def read_data(job: TrainingJob, config: GeoformerConfig) -> OceanData:
    """Read all months and split them.

    Raises:
        InvalidInputError: the training set is no field, lacks a channel, the temperature or the Nino3.4 box, knows
            nothing of one of them, holds values that no anomaly has, or has too few months.
    """
    fields = open_fields(job.training_set.folder)
    channels = _channels(fields, config)
    anomalies_TCYX = fields.stacked_anomalies(channels)
    if reason := implausible(channels, anomalies_TCYX):
        raise InvalidInputError.of("training_set", reason)
    usable_T, scored_T = split(fields.months, config)
    known_T = np.asarray(np.isfinite(anomalies_TCYX).any(axis=(1, 2, 3)))
    train = windows(known_T, usable_T, config, history_too=True)
    test = windows(known_T, scored_T, config, history_too=False)
    if config.limit_eval and config.limit_eval < len(test):
        # Spread over the test period: neighbours say nearly the same.
        test = test[np.linspace(0, len(test) - 1, config.limit_eval).round().astype(np.int64)]
    if len(train) < FEWEST_WINDOWS:
        reason = (
            f"{len(fields.months)} months, {int(usable_T.sum())} of them to learn from, are {len(train)} windows of "
            f"{config.history} months and one more; needed are {FEWEST_WINDOWS}"
        )
        raise InvalidInputError.of("training_set", reason)
    return OceanData(
        anomalies_TCYX=anomalies_TCYX,
        months=fields.months,
        channels=channels,
        scales=_scales(anomalies_TCYX[usable_T], channels),
        units=tuple(fields.units[channel] for channel in channels),
        bases=bases_of(channels, fields.base, fields.given_as_anomalies),
        lat=fields.lat,
        lon=fields.lon,
        index_YX=_index_weights(fields, anomalies_TCYX[:, channels.index(SST)]),
        area_Y=np.cos(np.deg2rad(fields.lat)).astype(np.float32),
        usable_T=usable_T,
        scored_T=scored_T,
        train=train,
        test=test,
    )


def counts(data: OceanData) -> dict[str, float]:
    """Sizes of the split, for the log and the metrics."""
    return {
        "train_months": int(data.usable_T.sum()),
        "train_windows": len(data.train),
        "test_months": int(data.scored_T.sum()),
        "test_windows": len(data.test),
    }


def _channels(fields: Fields, config: GeoformerConfig) -> tuple[str, ...]:
    channels = tuple(name.strip() for name in config.channels.split(",")) if config.channels else fields.channels
    unknown = [name for name in channels if name not in fields.channels]
    if unknown or len(set(channels)) != len(channels):
        reason = f"{config.channels!r}; the training set has, each once: {', '.join(fields.channels)}"
        raise InvalidInputError.of(f"{FIELD}.channels", reason)
    if SST not in channels:
        reason = f"{', '.join(channels)} hold no {SST}, of which the Nino3.4 index is made"
        raise InvalidInputError.of("training_set", reason)
    return channels


def _scales(anomalies_TCYX: Floats, channels: Sequence[str]) -> tuple[float, ...]:
    scales = []
    for channel, values_TYX in zip(channels, np.moveaxis(anomalies_TCYX, 1, 0), strict=True):
        known = values_TYX[np.isfinite(values_TYX)]
        if not len(known):
            raise InvalidInputError.of("training_set", f"no month to learn from knows anything of {channel}")
        scales.append(float(f"{known.std(dtype=np.float64):.6g}") or 1.0)
    return tuple(scales)


def _index_weights(fields: Fields, temperature_TYX: Floats) -> Floats:
    if not holds_box(BOXES[INDEX], fields.lat, fields.lon):
        reason = "the grid does not hold the Nino3.4 box (5S to 5N, 190E to 240E), which the training is scored by"
        raise InvalidInputError.of("training_set", reason)
    sea_YX = np.isfinite(temperature_TYX).any(axis=0)
    weights_YX = box_weights(BOXES[INDEX], fields.lat, fields.lon) * sea_YX
    if not weights_YX.sum():
        raise InvalidInputError.of("training_set", f"nothing is known of {SST} in the Nino3.4 box")
    return np.asarray(weights_YX / weights_YX.sum(), dtype=np.float32)

"""What goes into and comes out of a forecast of fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from shared.errors import InvalidInputError
from shared.fields.bases import check_bases
from shared.fields.months import count_of
from shared.fields.plausible import implausible

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FieldInput:
    """Months of fields to go on from.

    Args:
        id: the caller's name for it; comes back in the answer.
        channels: names of the fields, e.g. `sst`, `taux`, `tauy`, each once.
        values: float32 [months, channels, lat, lon]: anomalies, latitude from south to north, longitude eastward from
            0 to 360; NaN where nothing is known (land, a missing month).
        lat, lon: degrees of the grid's centres.
        last_month: the first day of the last month in `values`.
        leads: months to look ahead.
        units: of each channel; none where they are not known.
        bases: what each channel's anomalies depart from, see `bases.py`; none where it is not known.

    Raises:
        InvalidInputError: the parts do not fit each other, or values are no anomalies.
    """

    id: str
    channels: tuple[str, ...]
    values: Floats
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    last_month: date
    leads: int
    units: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        wanted = (len(self.channels), len(self.lat), len(self.lon))
        if self.values.ndim != 4 or self.values.shape[1:] != wanted or not self.values.size:
            parts = f"[months, {wanted[0]} channels, {wanted[1]} latitudes, {wanted[2]} longitudes]"
            reason = f"have the shape {list(self.values.shape)}; needed is {parts}, at least one of each"
            raise InvalidInputError.of("values", reason)
        if len(set(self.channels)) != len(self.channels):
            raise InvalidInputError.of("channels", f"a name is used twice in {', '.join(self.channels)}")
        if self.units and len(self.units) != len(self.channels):
            raise InvalidInputError.of("units", f"{len(self.units)} for {len(self.channels)} channels; one for each")
        check_bases(self.bases, self.channels)
        if np.isinf(self.values).any():
            raise InvalidInputError.of("values", "hold an infinite value; NaN says that nothing is known")
        if reason := implausible(self.channels, self.values):
            raise InvalidInputError.of("values", reason)
        if self.leads < 1:
            raise InvalidInputError.of("leads", f"{self.leads}: at least 1 month")
        last = count_of(self.last_month)
        if last + self.leads > count_of(date.max) or last - len(self.values) + 1 < count_of(date.min):
            reason = f"{self.last_month:%Y-%m}: the months must lie within the years 1 to 9999"
            raise InvalidInputError.of("last_month", reason)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FieldAnswer:
    """A forecast.

    Args:
        id: the id of the input.
        channels: names of the fields.
        values: float32 [leads, channels, lat, lon]: anomalies; NaN on land.
        lat, lon: degrees of the grid's centres.
        months: the first day of each month that is forecast.
        nino: index by name (`nino12`, `nino3`, `nino34`, `nino4`) -> anomaly in degrees C of each lead; an index whose
            box the grid does not hold is absent.
        units, bases: of each channel, as in `FieldInput`.
        nino_rmse: index by name -> root mean square error of each lead in degrees C, where it was measured.
    """

    id: str
    channels: tuple[str, ...]
    values: Floats
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    months: tuple[date, ...]
    nino: Mapping[str, tuple[float, ...]]
    units: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    nino_rmse: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

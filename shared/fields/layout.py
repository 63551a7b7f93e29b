"""How a `field/v1` version lies in its folder: names, attributes and sizes of what the Zarr group holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.errors import InvalidInputError
from shared.fields.months import count_of, month_from_text, month_text
from shared.fields.nino import BOXES, holds_box

FIELD_FOLDER = "field.zarr"
TIME_UNITS = "days since 1900-01-01"
EPOCH = date(1900, 1, 1)
# Few files, each small enough to be read for one window.
CHUNK_BYTES = 4 * 2**20


def climatology_name(channel: str) -> str:
    """The variable that holds a channel's usual year."""
    return f"{channel}_climatology"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FieldHeader:
    """All about a field but its values.

    Args:
        channels: name -> unit, e.g. `sst` -> `degC`, in the order in which they are kept.
        months: the first day of each month, without a gap.
        lat: degrees of the centres, ascending.
        lon: degrees of the centres, ascending, within 0 to 360.
        land: bool [lat, lon].
        base: first and last month whose mean is the climatology.
        given_as_anomalies: channels that came as anomalies; their climatology is 0 and their base period their own.

    Raises:
        InvalidInputError: the parts do not fit each other.
    """

    channels: Mapping[str, str]
    months: tuple[date, ...]
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    land: NDArray[np.bool_]
    base: tuple[date, date]
    given_as_anomalies: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.channels or not self.months:
            raise InvalidInputError.of("field", "has no channel or no month")
        counts = [count_of(month) for month in self.months]
        if any(month.day != 1 for month in self.months) or counts != list(range(counts[0], counts[0] + len(counts))):
            raise InvalidInputError.of("field", "months must be the first days of months that follow each other")
        for name, centres in (("lat", self.lat), ("lon", self.lon)):
            if len(centres) == 0 or (np.diff(centres) <= 0).any():
                raise InvalidInputError.of("field", f"{name} must ascend")
        if self.lon[0] < 0 or self.lon[-1] > 360 or abs(self.lat).max() > 90:
            raise InvalidInputError.of("field", "lat must lie within -90 to 90 and lon within 0 to 360")
        if self.land.shape != self.shape[1:]:
            raise InvalidInputError.of("field", f"land has the shape {self.land.shape}, the grid {self.shape[1:]}")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Months, latitudes, longitudes."""
        return len(self.months), len(self.lat), len(self.lon)

    @property
    def months_per_chunk(self) -> int:
        """Months that one chunk file holds, each a whole map."""
        return min(len(self.months), max(1, CHUNK_BYTES // (4 * len(self.lat) * len(self.lon))))

    def attributes(self) -> dict[str, Any]:
        """The group's attributes."""
        return {
            "Conventions": "CF-1.11",
            "channels": list(self.channels),
            "base_start": month_text(self.base[0]),
            "base_end": month_text(self.base[1]),
            "given_as_anomalies": list(self.given_as_anomalies),
        }

    def to_meta(self) -> dict[str, Any]:
        """The manifest's `meta`."""
        return {
            "rows": len(self.months),
            "months": len(self.months),
            "start": month_text(self.months[0]),
            "end": month_text(self.months[-1]),
            "channels": [{"name": name, "units": units} for name, units in self.channels.items()],
            "base": {"start": month_text(self.base[0]), "end": month_text(self.base[1])},
            "given_as_anomalies": list(self.given_as_anomalies),
            "grid": {"lat": _axis(self.lat), "lon": _axis(self.lon)},
            "indices": [name for name, box in BOXES.items() if holds_box(box, self.lat, self.lon)],
            "land_share": round(float(self.land.mean()), 6),
        }


def base_from_attributes(attributes: Mapping[str, Any]) -> tuple[date, date]:
    """First and last month of the base period."""
    return (
        month_from_text("base_start", str(attributes["base_start"])),
        month_from_text("base_end", str(attributes["base_end"])),
    )


def _axis(centres: NDArray[np.float64]) -> list[float | int]:
    return [float(centres[0]), float(centres[-1]), len(centres)]

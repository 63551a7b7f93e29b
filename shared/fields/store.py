"""Opens a stored `field/v1`: nothing is read before it is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from shared.contracts.kinds import Kind
from shared.errors import InvalidInputError
from shared.fields.bases import bases_of
from shared.fields.climatology import anomalies_of
from shared.fields.layout import FIELD_FOLDER, base_from_attributes, climatology_name
from shared.fields.months import count_of, month_text, months_of_year


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fields:
    """Monthly fields on one grid.

    Rows are months: a range of rows goes from `first` up to, not including, `end`.

    Args:
        channels: names of the fields, e.g. `sst`, `taux`, `tauy`.
        units: channel -> unit.
        months: the first day of each month, without a gap.
        lat: degrees of the grid's centres, from south to north.
        lon: degrees of the grid's centres, eastward from 0 to 360.
        land: bool [lat, lon].
        base: first and last month whose mean is the climatology.
        given_as_anomalies: channels that came as anomalies: their climatology is 0, their values are the anomalies.
    """

    channels: tuple[str, ...]
    units: dict[str, str]
    months: tuple[date, ...]
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    land: NDArray[np.bool_]
    base: tuple[date, date]
    given_as_anomalies: tuple[str, ...]
    _dataset: xr.Dataset = field(repr=False)

    @property
    def bases(self) -> tuple[str, ...]:
        """What each channel's anomalies depart from; see `bases.py`."""
        return bases_of(self.channels, self.base, self.given_as_anomalies)

    def values(self, channel: str, first: int = 0, end: int | None = None) -> NDArray[np.float32]:
        """Float32 [months, lat, lon] in the channel's unit; NaN on land and where nothing is known.

        Raises:
            InvalidInputError: there is no such channel, or no such rows.
        """
        return self._read(channel, self._rows(first, end))

    def climatology(self, channel: str) -> NDArray[np.float32]:
        """Float32 [12, lat, lon]: the usual year, from January on."""
        self._check(channel)
        return np.asarray(self._dataset[climatology_name(channel)].values)

    def anomalies(self, channel: str, first: int = 0, end: int | None = None) -> NDArray[np.float32]:
        """Float32 [months, lat, lon]: what departs from the usual year.

        Raises:
            InvalidInputError: there is no such channel, or no such rows.
        """
        rows = self._rows(first, end)
        return anomalies_of(self._read(channel, rows), self.climatology(channel), months_of_year(self.months[rows]))

    def stacked_anomalies(
        self, channels: tuple[str, ...] | None = None, first: int = 0, end: int | None = None
    ) -> NDArray[np.float32]:
        """Float32 [months, channels, lat, lon]; all channels unless they are named."""
        wanted = self.channels if channels is None else channels
        return np.stack([self.anomalies(channel, first, end) for channel in wanted], axis=1)

    def row_of(self, month: date) -> int:
        """The row of a month.

        Raises:
            InvalidInputError: the fields do not hold it.
        """
        row = count_of(month) - count_of(self.months[0])
        if not 0 <= row < len(self.months):
            span = f"{month_text(self.months[0])} to {month_text(self.months[-1])}"
            raise InvalidInputError.of("month", f"{month_text(month)} is not within {span}")
        return row

    def _rows(self, first: int, end: int | None) -> slice:
        end = len(self.months) if end is None else end
        if not 0 <= first <= end <= len(self.months):
            raise InvalidInputError.of("rows", f"{first} to {end} are not within the {len(self.months)} months")
        return slice(first, end)

    def _read(self, channel: str, rows: slice) -> NDArray[np.float32]:
        self._check(channel)
        return np.asarray(self._dataset[channel][rows].values)

    def _check(self, channel: str) -> None:
        if channel not in self.channels:
            raise InvalidInputError.of("channel", f"{channel!r} is not one of: {', '.join(self.channels)}")


def open_fields(folder: Path) -> Fields:
    """Open the `field/v1` whose files lie in `folder`.

    Raises:
        InvalidInputError: the folder holds none, or one that lacks a part.
    """
    path = folder / FIELD_FOLDER
    if not (path / "zarr.json").is_file():
        raise InvalidInputError.of("field", f"there is no {FIELD_FOLDER}: this is no dataset of the kind {Kind.FIELD}")
    dataset = xr.open_zarr(path, chunks=None, consolidated=False, zarr_format=3)
    try:
        return _fields(dataset)
    except KeyError as error:
        raise InvalidInputError.of("field", f"{FIELD_FOLDER} lacks {error}, which every {Kind.FIELD} has") from error


def _fields(dataset: xr.Dataset) -> Fields:
    channels = tuple(dataset.attrs["channels"])
    return Fields(
        channels=channels,
        units={channel: str(dataset[channel].attrs["units"]) for channel in channels},
        months=_dates(dataset["time"].values),
        lat=np.asarray(dataset["lat"].values),
        lon=np.asarray(dataset["lon"].values),
        land=np.asarray(dataset["land"].values),
        base=base_from_attributes(dataset.attrs),
        given_as_anomalies=tuple(dataset.attrs["given_as_anomalies"]),
        _dataset=dataset,
    )


def _dates(times: NDArray[Any]) -> tuple[date, ...]:
    return tuple(times.astype("datetime64[D]").tolist())

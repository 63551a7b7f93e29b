"""Channels: variables as they are, and wind stress from two of them."""

# ruff: noqa: N803, N806 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.errors import InvalidInputError
from shared.fields.channels import WIND_STRESS
from shared.fields.plausible import implausible
from svc_ingest.domain.jobs import StoppedError
from svc_ingest.sources.field.inputs import Input
from svc_ingest.sources.field.means import Counts, Maps, monthly_means
from svc_ingest.sources.field.quantities import WINDS
from svc_ingest.sources.field.stress import stress_of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Channel:
    """A channel on the grid of its file.

    Args:
        name: `sst`, `taux`, ...
        units: what it is kept in.
        sources: the variable that it is, or the component, the eastward and the northward wind that it is made of.
        land: bool [lat, lon] by a mask, or None.
    """

    name: str
    units: str
    sources: tuple[Input, ...]
    land: NDArray[np.bool_] | None

    @property
    def first(self) -> Input:
        """The variable whose axes are the channel's."""
        return self.sources[0]

    def monthly(self, must_stop: Callable[[], bool]) -> Iterator[tuple[Counts, Maps]]:
        """Months, as `count_of` counts, and float32 [months, lat, lon], in time order.

        Raises:
            InvalidInputError: the file holds what cannot be.
            StoppedError: `must_stop` said so.
        """
        months = self.first.months
        pieces = self._pieces(must_stop)
        for counts, maps_Myx in pieces if months.is_monthly else monthly_means(pieces):
            observed = np.isin(counts, months.observed)
            if observed.any():
                yield counts[observed], self._checked(maps_Myx[observed])

    def _pieces(self, must_stop: Callable[[], bool]) -> Iterator[tuple[Counts, Maps]]:
        for rows in self.first.pieces():
            if must_stop():
                raise StoppedError("stopped while the file was read")
            yield self.first.months.of_row[rows], self._read(rows)

    def _checked(self, maps_Myx: Maps) -> Maps:
        # Months, not rows: what departs from the usual year goes further in a day.
        reason = implausible((self.name,), maps_Myx[:, None]) if self.first.is_anomaly else ""
        if reason:
            raise self.first.wrong(f"counts as anomalies, but {reason}, or do not call them anomalies")
        return maps_Myx

    def _read(self, rows: slice) -> Maps:
        # The stress is made before months are averaged: it is no linear function of the wind.
        if len(self.sources) == 1:
            return self.first.read(rows, self.land)
        component, east, north = (source.read(rows, self.land) for source in self.sources)
        return stress_of(component, east, north)


def channels_of(
    inputs: Mapping[str, Input], land_of: Callable[[str, Input], NDArray[np.bool_] | None]
) -> list[Channel]:
    """Every channel; winds give stress where the file does not.

    Raises:
        InvalidInputError: one wind is missing, or the two do not fit each other.
    """
    channels = [
        Channel(name=name, units=source.quantity.units, sources=(source,), land=land_of(name, source))
        for name, source in inputs.items()
        if name not in WINDS
    ]
    if any(name in inputs for name in WINDS) and not any(name in inputs for name in WIND_STRESS):
        channels += _stresses(inputs, land_of)
    return channels


def _stresses(
    inputs: Mapping[str, Input], land_of: Callable[[str, Input], NDArray[np.bool_] | None]
) -> Iterator[Channel]:
    missing = [name for name in WINDS if name not in inputs]
    if missing:
        reason = (
            f"wind stress needs u and v, and {missing[0]} is missing: say variables='u=NAME;v=NAME', or name others"
        )
        raise InvalidInputError.of("file", reason)
    east, north = (inputs[name] for name in WINDS)
    if not _fit(east, north):
        raise north.wrong(f"has other times or another grid than {east.variable!r}")
    for source in (east, north):
        if source.is_anomaly:
            raise source.wrong("holds anomalies; wind stress needs the wind itself")
    for name, component in zip(WIND_STRESS, (east, north), strict=True):
        yield Channel(name=name, units="N m-2", sources=(component, east, north), land=land_of(name, component))


def _fit(one: Input, other: Input) -> bool:
    return (
        np.array_equal(one.months.of_row, other.months.of_row)
        and np.array_equal(one.lat.centres, other.lat.centres)
        and np.array_equal(one.lon.centres, other.lon.centres)
    )

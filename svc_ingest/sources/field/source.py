"""The source `field`."""

# ruff: noqa: N803, N806 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shared.contracts.kinds import Kind
from shared.errors import InvalidInputError
from shared.fields.channels import SST
from shared.fields.climatology import ClimatologySums
from shared.fields.layout import FieldHeader
from shared.fields.months import count_of, month_of, month_text
from shared.fields.writing import FieldWriter
from svc_ingest.domain.made import Made
from svc_ingest.sources.field.channels import Channel, channels_of
from svc_ingest.sources.field.choosing import inputs_of
from svc_ingest.sources.field.inputs import Input
from svc_ingest.sources.field.land import cold_land, either, marked_land
from svc_ingest.sources.field.opening import Part, open_parts
from svc_ingest.sources.field.parameters import NEVER, FieldParameters
from svc_ingest.sources.field.regrid import Regridder
from svc_ingest.sources.field.target import header_for, some

MustStop = Callable[[], bool]


class FieldSource:
    """See `DatasetSource`."""

    name = "field"
    summary = "Monthly fields from NetCDF files or zipped Zarr stores."
    suffixes = (".nc", ".nc4", ".nc.zip", ".zarr.zip")
    kind = Kind.FIELD
    parameters = FieldParameters

    def make(self, path: Path, parameters: FieldParameters, folder: Path, must_stop: MustStop) -> Made:
        """See `DatasetSource.make`."""
        parameters = parameters.checked()
        with open_parts(path, folder / "parts") as parts:
            channels = _channels(parts, parameters, must_stop)
            header = header_for(channels, parameters)
            writer = FieldWriter(folder, header)
            land = _write_all(writer, channels, parameters, must_stop)
        header = replace(header, land=land)
        return Made(kind=self.kind, files=writer.files(), meta=header.to_meta(), rows=len(header.months))


SOURCE = FieldSource()


def _channels(parts: Sequence[Part], parameters: FieldParameters, must_stop: MustStop) -> list[Channel]:
    def land_of(name: str, source: Input) -> NDArray[np.bool_] | None:
        cold = cold_land(source, parameters.land_below, must_stop) if name == SST else None
        return either(marked_land(source), cold)

    inputs = inputs_of(parts, parameters)
    if parameters.land_below > NEVER and SST not in inputs:
        raise InvalidInputError.of("parameters.land_below", f"needs the channel {SST}; there are {', '.join(inputs)}")
    return channels_of(inputs, land_of)


def _write_all(
    writer: FieldWriter, channels: Sequence[Channel], parameters: FieldParameters, must_stop: MustStop
) -> NDArray[np.bool_]:
    """Write every channel; land is where the first one is never known, and holds nothing of the others."""
    land_YX: NDArray[np.bool_] | None = None
    for channel in channels:
        is_unknown_YX = _write(writer, channel, land_YX, parameters, must_stop)
        land_YX = is_unknown_YX if land_YX is None else land_YX
    assert land_YX is not None, "there is a channel"
    writer.write_land(land_YX)
    return land_YX


def _write(
    writer: FieldWriter,
    channel: Channel,
    land_YX: NDArray[np.bool_] | None,
    parameters: FieldParameters,
    must_stop: MustStop,
) -> NDArray[np.bool_]:
    """Write the months of a channel and its usual year; where it is never known, bool [lat, lon]."""
    header, axes = writer.header, channel.first
    regridder = Regridder(axes.lat.centres, axes.lon.centres, header.lat, header.lon)
    sums, unknown = ClimatologySums(header.shape[1:]), []
    is_unknown_YX = np.ones(header.shape[1:], dtype=np.bool_)
    for counts, maps_Myx in channel.monthly(must_stop):
        maps_MYX = regridder.apply(maps_Myx)
        if land_YX is not None:
            maps_MYX = np.where(land_YX, np.float32(np.nan), maps_MYX)
        unknown += counts[np.isnan(maps_MYX).all(axis=(1, 2))].tolist()
        is_unknown_YX &= np.isnan(maps_MYX).all(axis=0)
        _write_maps(writer, channel.name, counts, maps_MYX)
        in_base = (counts >= count_of(header.base[0])) & (counts <= count_of(header.base[1]))
        sums.add(maps_MYX[in_base], counts[in_base] % 12)
    if unknown and parameters.gaps == "refuse":
        reason = f"nothing is known of {some([month_text(month_of(count)) for count in unknown])}; "
        raise axes.wrong(f"{reason}gaps='missing' keeps such months as missing")
    writer.write_climatology(channel.name, _usual_year(sums, header, channel))
    return is_unknown_YX


def _write_maps(writer: FieldWriter, name: str, counts: NDArray[np.int64], maps_MYX: NDArray[np.float32]) -> None:
    rows = counts - count_of(writer.header.months[0])
    # Months that follow each other are written at once.
    for run in np.split(np.arange(len(rows)), np.nonzero(np.diff(rows) > 1)[0] + 1):
        if len(run):
            writer.write(name, int(rows[run[0]]), maps_MYX[run])


def _usual_year(sums: ClimatologySums, header: FieldHeader, channel: Channel) -> NDArray[np.float32]:
    if channel.name in header.given_as_anomalies:
        return np.zeros((12, *header.shape[1:]), dtype=np.float32)
    usual_MYX = sums.means()
    absent = np.nonzero(np.isnan(usual_MYX).all(axis=(1, 2)))[0]
    if len(absent):
        span = f"{month_text(header.base[0])} to {month_text(header.base[1])}"
        months = ", ".join(str(month + 1) for month in absent)
        reason = f"{channel.name} has no month {months} of the year within the base period {span}: widen it"
        raise InvalidInputError.of("parameters.base_start", reason)
    return usual_MYX

"""Series that are asked about, and what is answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.contracts.series import Segment
from shared.errors import InvalidInputError

MAX_SERIES = 64
MAX_CHANNELS = 64
DEFAULT_CHANNEL = "value"

Floats = NDArray[np.float64]
Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """A series to look at.

    Args:
        id: the caller's name for it; may be empty.
        channels: names of the columns, each once.
        values: [rows, channels] in time order, at least one of each; NaN only where a dataset has gaps.
        times: [rows], nanoseconds since 1970 in UTC or an index; strictly increasing.
    """

    id: str
    channels: tuple[str, ...]
    values: Floats
    times: Times


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """What a model says of one series.

    Args:
        id: the caller's name for the series.
        segments: by falling confidence.
        scores: float32 [rows, channels] in [0, 1].
        text: the segments in a sentence.
    """

    id: str
    segments: tuple[Segment, ...]
    scores: NDArray[np.float32]
    text: str


def series_from_call(
    field: str, *, name: str, channels: Sequence[str], columns: Sequence[Floats], times: Times
) -> Series:
    """A series as a caller sent it.

    Args:
        field: where the series stands in the request, e.g. `series[2]`.
        name: the caller's name for it.
        channels: names as sent; an empty one means `value`.
        columns: one a channel.
        times: as sent; empty counts rows from 0.

    Raises:
        InvalidInputError: naming the channel, value or time that is wrong.
    """
    where = f" of series {name!r}" if name else ""
    if not 1 <= len(channels) <= MAX_CHANNELS:
        raise InvalidInputError.of(
            f"{field}.channels", f"the series has {len(channels)} channels; send 1 to {MAX_CHANNELS}"
        )
    names = tuple(channel or DEFAULT_CHANNEL for channel in channels)
    rows = len(columns[0])
    for index, (channel, column) in enumerate(zip(names, columns, strict=True)):
        path = f"{field}.channels[{index}]"
        if channel in names[:index]:
            raise InvalidInputError.of(
                f"{path}.name", f"{channel!r}{where} is sent twice: each channel has its own name"
            )
        _check_values(f"{path}.values", column, rows, f"channel {channel!r}{where}", names[0])
    return Series(id=name, channels=names, values=np.stack(columns, axis=1), times=_times(field, times, rows, where))


def _check_values(path: str, column: Floats, rows: int, what: str, first: str) -> None:
    if not len(column):
        raise InvalidInputError.of(path, f"{what} has 0 values; send at least 1")
    if len(column) != rows:
        raise InvalidInputError.of(
            path, f"{what} has {len(column)} values, channel {first!r} has {rows}; send the same number in each"
        )
    finite = np.isfinite(column)
    if not finite.all():
        index = int(finite.argmin())
        raise InvalidInputError.of(
            f"{path}[{index}]", f"value {index} of {what} is {column[index]}; send finite numbers"
        )


def _times(field: str, times: Times, rows: int, where: str) -> Times:
    if not len(times):
        return np.arange(rows)
    if len(times) != rows:
        raise InvalidInputError.of(
            f"{field}.times", f"{len(times)} times were sent for {rows} rows{where}; send one a row, or none"
        )
    late = np.flatnonzero(times[1:] <= times[:-1])
    if len(late):
        index = int(late[0]) + 1
        raise InvalidInputError.of(
            f"{field}.times[{index}]",
            f"{times[index]}{where} does not come after {times[index - 1]}: times must increase",
        )
    return times

"""How a file is to be read: the choices a caller has. `read_options.py` makes them from plain values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

DEFAULT_LINE_BYTES = 2**20


class Layout(StrEnum):
    """Wide: one column a channel. Long: one row a value, with a column that names its channel."""

    AUTO = "auto"
    WIDE = "wide"
    LONG = "long"


class TimeFormat(StrEnum):
    """How times are written: as text, as an epoch in the unit named, or as a plain index (no clock)."""

    AUTO = "auto"
    ISO8601 = "iso8601"
    SECONDS = "s"
    MILLISECONDS = "ms"
    MICROSECONDS = "us"
    NANOSECONDS = "ns"
    INDEX = "index"


class Missing(StrEnum):
    """What a literal NaN (in a CSV also NA, N/A or null) is: an error or a missing value. An empty cell is missing."""

    REFUSE = "refuse"
    KEEP = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """Choices that `read_options` has found valid.

    Args:
        layout: see `Layout`; auto is long when the columns that name channel and value are there.
        time_column: empty takes the first column whose name says time, date, timestamp or index.
        time_format: see `TimeFormat`; auto refuses numbers, which could mean several things.
        timezone: IANA zone of times that carry no offset.
        channel_column: long layout, empty means `channel`.
        value_column: long layout, empty means `value`.
        channels: keep only these, in the file's order; empty keeps all.
        delimiter: CSV, one character.
        encoding: CSV, one of `read_options.ENCODINGS`.
        max_line_bytes: CSV, the longest line accepted, counted as UTF-8 without its end.
        missing: see `Missing`.
        downsample_to: keep at most about so many rows; 0 keeps all.
    """

    layout: Layout = Layout.AUTO
    time_column: str = ""
    time_format: TimeFormat = TimeFormat.AUTO
    timezone: str = "UTC"
    channel_column: str = ""
    value_column: str = ""
    channels: tuple[str, ...] = ()
    delimiter: str = ","
    encoding: str = "utf-8"
    max_line_bytes: int = DEFAULT_LINE_BYTES
    missing: Missing = Missing.REFUSE
    downsample_to: int = 0

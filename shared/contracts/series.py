"""The layout of `series/v1` and `segments/v1` and the values made from them."""

from __future__ import annotations

from dataclasses import dataclass

SERIES_FILE = "series.parquet"
SEGMENTS_FILE = "segments.parquet"
REVIEWS_FILE = "reviews.parquet"
TIME_COLUMN = "time"
TIME_UTC = "utc"
TIME_INDEX = "index"
PARQUET = "application/vnd.apache.parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Rows [start_row, end_row) of a series.

    `start_time` and `end_time` are the times of the first and the last row inside: nanoseconds since 1970 in UTC,
    or the index where the series has no clock. `channel` is empty when all channels are meant. `confidence` is in
    [0, 1] and is a ranking within one labeler or model, not a probability, unless its labeler says otherwise.
    """

    start_row: int
    end_row: int
    start_time: int
    end_time: int
    channel: str = ""
    label: str = "anomaly"
    confidence: float = 1.0

"""Rules about segments: their times, whether a claim fits its series, merging what overlaps."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from shared.contracts.series import Segment
from shared.errors import FieldViolation, InvalidInputError

MAX_LABEL = 100


def segment_of_rows(
    time: NDArray[np.int64], start_row: int, end_row: int, *, channel: str, label: str, confidence: float
) -> Segment:
    """The segment of rows [start_row, end_row), with the times of its first and last row.

    Args:
        time: int64 [rows], nanoseconds in UTC or the index.
        start_row: first row inside.
        end_row: first row after.
        channel: the channel meant; empty for all.
        label: what is claimed.
        confidence: in [0, 1].
    """
    return Segment(
        start_row=start_row,
        end_row=end_row,
        start_time=int(time[start_row]),
        end_time=int(time[end_row - 1]),
        channel=channel,
        label=label,
        confidence=confidence,
    )


def with_times(segment: Segment, time: NDArray[np.int64]) -> Segment:
    """The segment with the times of its rows: a person corrects rows, the series knows their times."""
    return replace(segment, start_time=int(time[segment.start_row]), end_time=int(time[segment.end_row - 1]))


def check_claim(field: str, claim: Segment, *, rows: int, channels: Collection[str]) -> Segment:
    """The claim itself when it fits a series of so many rows with these channels, else InvalidInputError.

    Every wrong field is named, `field` being the path of the claim in the request.
    """
    violations = list(_violations(field, claim, rows, channels))
    if violations:
        raise InvalidInputError("; ".join(f"{v.field}: {v.reason}" for v in violations), violations)
    return claim


def _violations(field: str, claim: Segment, rows: int, channels: Collection[str]) -> Iterable[FieldViolation]:
    if not 0 <= claim.start_row < rows:
        yield FieldViolation(f"{field}.start_row", f"{claim.start_row} is not a row of the series: use 0 to {rows - 1}")
    if claim.end_row > rows:
        yield FieldViolation(f"{field}.end_row", f"{claim.end_row} is past the end of the series: use at most {rows}")
    if claim.end_row <= claim.start_row:
        yield FieldViolation(
            f"{field}.end_row",
            f"{claim.end_row} is not after start_row ({claim.start_row}): end_row is the first row after the segment",
        )
    if claim.channel and claim.channel not in channels:
        allowed = ", ".join(sorted(channels))
        yield FieldViolation(
            f"{field}.channel", f"{claim.channel!r} is not a channel of the series: use one of {allowed}"
        )
    if not 0 < len(claim.label) <= MAX_LABEL:
        yield FieldViolation(f"{field}.label", f"a label has 1 to {MAX_LABEL} characters")


def merge_overlapping(segments: Iterable[Segment], *, gap_rows: int = 0) -> list[Segment]:
    """Join segments of one channel and label that overlap, touch, or lie at most `gap_rows` rows apart.

    A joined segment has the highest confidence of its parts. The result is sorted by row, channel and label; no two
    segments in it could be joined further.
    """
    last: dict[tuple[str, str], Segment] = {}
    merged: list[Segment] = []
    for segment in sorted(segments, key=lambda s: (s.start_row, s.end_row)):
        key = (segment.channel, segment.label)
        before = last.get(key)
        if before is not None and segment.start_row <= before.end_row + gap_rows:
            last[key] = _joined(before, segment)
            continue
        if before is not None:
            merged.append(before)
        last[key] = segment
    return sorted([*merged, *last.values()], key=lambda s: (s.start_row, s.channel, s.label))


def _joined(first: Segment, second: Segment) -> Segment:
    longer = first if first.end_row >= second.end_row else second
    return replace(
        first,
        end_row=longer.end_row,
        end_time=longer.end_time,
        confidence=max(first.confidence, second.confidence),
    )

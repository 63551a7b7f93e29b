from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.series import Segment
from shared.errors import InvalidInputError
from svc_label.domain.segments import check_claim, merge_overlapping, segment_of_rows, with_times


def segment(start: int, end: int, *, channel: str = "a", label: str = "anomaly", confidence: float = 0.5) -> Segment:
    return Segment(
        start_row=start,
        end_row=end,
        start_time=start * 10,
        end_time=(end - 1) * 10,
        channel=channel,
        label=label,
        confidence=confidence,
    )


segments = st.lists(
    st.builds(
        lambda start, length, channel, confidence: segment(
            start, start + length, channel=channel, confidence=confidence
        ),
        st.integers(0, 60),
        st.integers(1, 12),
        st.sampled_from(["a", "b"]),
        st.floats(0, 1),
    ),
    max_size=20,
)


def rows_of(items: list[Segment], channel: str) -> set[int]:
    return {row for s in items if s.channel == channel for row in range(s.start_row, s.end_row)}


def test_times_are_those_of_the_first_and_last_row_inside() -> None:
    time = np.array([100, 110, 125, 140], dtype=np.int64)
    made = segment_of_rows(time, 1, 3, channel="a", label="spike", confidence=0.25)
    assert (made.start_time, made.end_time) == (110, 125)
    assert (made.channel, made.label, made.confidence) == ("a", "spike", 0.25)
    assert with_times(segment(0, 4), time) == Segment(
        start_row=0, end_row=4, start_time=100, end_time=140, channel="a", confidence=0.5
    )


def test_a_claim_that_fits_is_itself() -> None:
    claim = segment(3, 10)
    assert check_claim("corrected", claim, rows=10, channels=["a", "b"]) is claim
    assert check_claim("corrected", segment(0, 1, channel=""), rows=10, channels=["a"])


@pytest.mark.parametrize(
    ("claim", "fields"),
    [
        (segment(-1, 4), ["corrected.start_row"]),
        (segment(4, 11), ["corrected.end_row"]),
        (segment(4, 4), ["corrected.end_row"]),
        (segment(5, 2), ["corrected.end_row"]),
        (segment(10, 20), ["corrected.start_row", "corrected.end_row"]),
        (segment(1, 2, channel="c"), ["corrected.channel"]),
        (segment(1, 2, label=""), ["corrected.label"]),
        (segment(-1, 99, channel="c"), ["corrected.start_row", "corrected.end_row", "corrected.channel"]),
    ],
)
def test_every_wrong_field_of_a_claim_is_named(claim: Segment, fields: list[str]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        check_claim("corrected", claim, rows=10, channels=["a", "b"])
    assert [v.field for v in caught.value.violations] == fields


def test_overlapping_and_touching_segments_become_one() -> None:
    merged = merge_overlapping([segment(5, 9, confidence=0.9), segment(0, 3), segment(3, 6), segment(20, 30)])
    assert merged == [segment(0, 9, confidence=0.9), segment(20, 30)]


def test_a_segment_inside_another_does_not_shorten_it() -> None:
    assert merge_overlapping([segment(0, 10), segment(2, 4)]) == [segment(0, 10)]


def test_channels_and_labels_are_kept_apart() -> None:
    parts = [segment(0, 5), segment(3, 8, channel="b"), segment(4, 9, label="spike")]
    assert merge_overlapping(parts) == parts


def test_a_gap_can_be_bridged() -> None:
    assert merge_overlapping([segment(0, 5), segment(8, 9)], gap_rows=2) == [segment(0, 5), segment(8, 9)]
    assert merge_overlapping([segment(0, 5), segment(8, 9)], gap_rows=3) == [segment(0, 9)]


@given(segments, st.integers(0, 4))
def test_merging_covers_the_same_rows_once(items: list[Segment], gap: int) -> None:
    merged = merge_overlapping(items, gap_rows=gap)
    for channel in "ab":
        of_channel = [s for s in merged if s.channel == channel]
        assert rows_of(items, channel) <= rows_of(merged, channel)
        assert all(b.start_row - a.end_row > gap for a, b in itertools.pairwise(of_channel))
        if gap == 0:
            assert rows_of(items, channel) == rows_of(merged, channel)
    assert merge_overlapping(merged, gap_rows=gap) == merged
    assert merge_overlapping(items[::-1], gap_rows=gap) == merged

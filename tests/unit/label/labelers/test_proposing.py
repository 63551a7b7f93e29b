from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from svc_label.labelers.base import SeriesFrame
from svc_label.labelers.proposing import Span, proposals_of, ranked, spans_above

SCORES = np.array([0, 5, 6, 0, 0, 0, 7, 0, 1, 0], dtype=np.float64)
score_lists = arrays(np.float64, st.integers(1, 60), elements=st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0, 8.0]))


def test_stretches_above_the_threshold_come_highest_first() -> None:
    assert spans_above(SCORES, 4.0, gap_rows=0, limit=10) == [Span(6, 7, 7.0), Span(1, 3, 6.0)]
    assert spans_above(SCORES, 4.0, gap_rows=0, limit=1) == [Span(6, 7, 7.0)]


def test_near_stretches_are_one() -> None:
    assert spans_above(SCORES, 4.0, gap_rows=2, limit=10) == [Span(6, 7, 7.0), Span(1, 3, 6.0)]
    assert spans_above(SCORES, 4.0, gap_rows=3, limit=10) == [Span(1, 7, 7.0)]


def test_a_stretch_is_trimmed_to_the_rows_near_its_peak() -> None:
    hill = np.array([0, 1, 2, 5, 8, 5, 2, 1], dtype=np.float64)
    assert spans_above(hill, 1.0, gap_rows=0, limit=1, keep=0.5) == [Span(3, 6, 8.0)]


def test_the_best_guess_is_given_where_nothing_reaches_the_threshold() -> None:
    assert spans_above(SCORES, 100.0, gap_rows=0, limit=10) == [Span(6, 7, 7.0)]
    assert spans_above(np.zeros(5), 1.0, gap_rows=0, limit=10) == []
    assert spans_above(np.zeros(0), 1.0, gap_rows=0, limit=10) == []


@given(score_lists, st.sampled_from([0.5, 1.0, 2.5]), st.integers(0, 3))
def test_spans_hold_every_row_above_the_threshold_and_are_apart(
    scores: np.ndarray, threshold: float, gap_rows: int
) -> None:
    spans = sorted(spans_above(scores, threshold, gap_rows=gap_rows, limit=1000), key=lambda s: s.start)
    if scores.max() >= threshold:
        inside = {row for span in spans for row in range(span.start, span.end)}
        assert set(np.flatnonzero(scores >= threshold)) <= inside
        assert all(b.start - a.end > gap_rows for a, b in itertools.pairwise(spans))
    for span in spans:
        assert span.peak == scores[span.start : span.end].max() > 0
        assert scores[span.start] > 0
        assert scores[span.end - 1] > 0


def test_proposals_carry_times_channel_and_confidence_and_the_surest_are_kept() -> None:
    frame = SeriesFrame(
        time=np.arange(0, 100, 10, dtype=np.int64), values=np.zeros((10, 2)), channels=("left", "right")
    )
    spans = spans_above(SCORES, 4.0, gap_rows=0, limit=10)
    proposals = [
        *proposals_of(frame, "left", spans, lambda peak: peak / 10),
        *proposals_of(frame, "right", spans[:1], lambda peak: peak / 8),
    ]
    first, second = ranked(proposals, 2)
    assert (first.segment.channel, first.segment.confidence, first.score) == ("right", 0.875, 7.0)
    assert (second.segment.channel, second.segment.start_row, second.segment.confidence) == ("left", 6, 0.7)
    assert (second.segment.start_time, second.segment.end_time) == (60, 60)


@pytest.mark.parametrize(
    ("time", "values", "channels", "says"),
    [
        (np.arange(3), np.zeros((3, 2)), ("a",), "2"),
        (np.arange(3), np.zeros((4, 1)), ("a",), "3 times"),
        (np.arange(3.0), np.zeros((3, 1)), ("a",), "float64"),
        (np.arange(3), np.zeros((3, 1), dtype=np.float32), ("a",), "float32"),
        (np.arange(3), np.zeros((3, 2)), ("a", "a"), "twice"),
    ],
)
def test_a_frame_that_does_not_fit_together_is_refused(
    time: np.ndarray, values: np.ndarray, channels: tuple[str, ...], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        SeriesFrame(time=time, values=values, channels=channels)

from __future__ import annotations

import numpy as np
import pytest

from shared.modeling.series.answers import RowScores, by_confidence, find_segments, sentence
from shared.modeling.series.spec import SeriesSpec
from shared.modeling.series.values import AnswerSegment

SPEC = SeriesSpec(window=8, patch=2, stride=4, labels=("drift", "spike"), merge_gap=2)


def _scores(score, *, values=None, label=None) -> RowScores:
    """Scores of a series that is one window long."""
    score = np.array(score, dtype=np.float32)
    scores = RowScores(np.zeros(len(score)) if values is None else values, labels=2)
    label = np.full((len(score), 2), 0.5) if label is None else np.array(label)
    scores.add(0, score, label.astype(np.float32))
    return scores


def _segments(scores: RowScores) -> list[tuple[int, int]]:
    return [(s.start_row, s.end_row) for s in find_segments(scores, channel="x", spec=SPEC)]


def test_overlapping_windows_are_averaged_with_most_weight_in_their_middle():
    scores = RowScores(np.zeros(12), labels=2)
    label = np.tile(np.float32([0.25, 0.75]), (8, 1))
    scores.add(0, np.zeros(8, dtype=np.float32), label)
    scores.add(4, np.ones(8, dtype=np.float32), label)
    score = scores.score_R
    assert score[:4].tolist() == [0] * 4
    assert score[8:].tolist() == [1] * 4
    assert (np.diff(score[4:8]) >= 0).all()
    assert score[4] < 0.5 < score[7]
    np.testing.assert_allclose(scores.label_RL, np.tile([0.25, 0.75], (12, 1)), rtol=1e-6)


def test_what_a_window_says_of_rows_behind_the_end_is_dropped():
    scores = RowScores(np.zeros(3), labels=1)
    scores.add(0, np.float32([0.1, 0.2, 0.3, 9, 9, 9, 9, 9]), np.zeros((8, 0), dtype=np.float32))
    np.testing.assert_allclose(scores.score_R, [0.1, 0.2, 0.3], rtol=1e-6)
    assert (scores.label_RL == 1).all()


def test_rows_where_nothing_was_measured_score_nothing():
    values = np.array([1.0, np.nan, 1.0])
    assert _scores([0.9, 0.9, 0.9], values=values).score_R[1] == 0


def test_scores_stay_in_their_range_whatever_the_rounding():
    scores = RowScores(np.zeros(8), labels=1)
    for _ in range(7):
        scores.add(0, np.ones(8, dtype=np.float32), np.zeros((8, 0), dtype=np.float32))
    assert scores.score_R.max() <= 1
    assert scores.score_R.dtype == np.float32


@pytest.mark.parametrize(
    ("score", "wanted"),
    [
        ([0.1] * 8, []),
        ([0.9] * 8, [(0, 8)]),
        ([0.5, 0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.6], [(0, 1), (7, 8)]),
        ([0.1, 0.9, 0.1, 0.1, 0.9, 0.1, 0.1, 0.1], [(1, 5)]),
        ([0.1, 0.9, 0.1, 0.1, 0.1, 0.9, 0.1, 0.1], [(1, 2), (5, 6)]),
    ],
    ids=["none", "all", "ends", "a gap that is merged", "a gap that is not"],
)
def test_segments_are_runs_above_the_threshold(score, wanted):
    assert _segments(_scores(score)) == wanted


def test_a_segment_has_its_highest_score_and_its_heaviest_label():
    label = [[0.8, 0.2]] * 3 + [[0.4, 0.6]] * 5
    [segment] = find_segments(_scores([0.1, 0.1, 0.5, 0.9, 0.8, 0.1, 0.1, 0.1], label=label), channel="x", spec=SPEC)
    assert segment == AnswerSegment(
        start_row=2, end_row=5, channel="x", label="spike", confidence=pytest.approx(0.9, rel=1e-6)
    )


def _segment(start: int, confidence: float, channel: str = "x") -> AnswerSegment:
    return AnswerSegment(start_row=start, end_row=start + 5, channel=channel, label="spike", confidence=confidence)


def test_segments_are_sorted_by_confidence_then_place():
    given = [_segment(40, 0.6), _segment(9, 0.6, "y"), _segment(9, 0.6), _segment(70, 0.9)]
    assert [(s.start_row, s.channel) for s in by_confidence(given)] == [(70, "x"), (9, "x"), (9, "y"), (40, "x")]


def test_the_sentence_says_what_the_segments_say():
    assert sentence((), rows=100) == "Nothing unusual was found in 100 rows."
    one = sentence((_segment(10, 0.91),), rows=100)
    assert one == "1 unusual segment stands out in 100 rows: spike in rows 10 to 14 of 'x' (confidence 0.91)."
    many = sentence(tuple(_segment(10 * i, 0.9) for i in range(5)), rows=100)
    assert many.startswith("5 unusual segments stand out in 100 rows: ")
    assert many.endswith("; and 2 more.")

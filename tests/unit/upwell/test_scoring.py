from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upwell.scoring import hit_within, scores_of_segments, segments_above, top_point_distance, vus_pr


def flags(rows: int, *segments: tuple[int, int]) -> np.ndarray:
    labels = np.zeros(rows, dtype=bool)
    for start, end in segments:
        labels[start:end] = True
    return labels


@st.composite
def labelled(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    rows = draw(st.integers(2, 40))
    labels = np.array(draw(st.lists(st.booleans(), min_size=rows, max_size=rows)))
    labels[draw(st.integers(0, rows - 1))] = True
    scores = draw(st.lists(st.integers(0, 6), min_size=rows, max_size=rows))
    return labels, np.array(scores, dtype=np.float64)


def test_the_distance_is_to_the_nearest_anomalous_row() -> None:
    labels = flags(20, (5, 8), (15, 16))
    for row, distance in [(0, 5), (4, 1), (5, 0), (7, 0), (8, 1), (11, 4), (12, 3), (15, 0), (19, 4)]:
        assert top_point_distance(labels, np.arange(20) == row) == distance


def test_a_detector_that_does_not_decide_gets_its_farthest_guess() -> None:
    labels = flags(20, (5, 8))
    assert top_point_distance(labels, np.zeros(20)) == 12
    assert top_point_distance(labels, flags(20, (3, 10))) == 2


def test_a_hit_lies_within_the_tolerance() -> None:
    labels = flags(300, (100, 110))
    scores = np.zeros(300)
    scores[209] = 1
    assert top_point_distance(labels, scores) == 100
    assert hit_within(labels, scores)
    assert hit_within(labels, scores, 100)
    assert not hit_within(labels, scores, 99)


def test_false_segments_above_the_first_true_one() -> None:
    truth = [(50, 60)]
    segments = [(0, 10), (20, 30), (55, 58), (80, 90), (59, 70)]
    assert segments_above(truth, segments, [0.9, 0.8, 0.7, 0.1, 0.6]) == 2
    assert segments_above(truth, segments, [0.1, 0.2, 0.7, 0.1, 0.6]) == 0
    assert segments_above(truth, segments, [0.1, 0.2, 0.2, 0.1, 0.6]) == 0
    # Level with the true one counts as above: the reviewer's luck is not the detector's merit.
    assert segments_above(truth, segments, [0.7, 0.2, 0.7, 0.1, 0.6]) == 1
    assert segments_above(truth, segments[:2], [0.1, 0.2]) == 2
    assert segments_above(truth, [], []) == 0


def test_a_segment_beside_the_truth_is_true_within_the_tolerance() -> None:
    for segment, near in [((40, 50), 1), ((60, 70), 1), ((30, 41), 10), ((69, 70), 10)]:
        assert segments_above([(50, 60)], [segment], [1.0], tolerance=near - 1) == 1
        assert segments_above([(50, 60)], [segment], [1.0], tolerance=near) == 0


def test_segments_become_scores_by_their_highest_confidence() -> None:
    assert scores_of_segments(6, [(0, 3), (2, 5)], [0.9, 0.4]).tolist() == [0.9, 0.9, 0.9, 0.4, 0.4, 0.0]
    assert not scores_of_segments(3, [], []).any()


def test_without_a_buffer_it_is_the_average_precision() -> None:
    # Ranked: true, false, true, false. Precision 1 at recall 1/2, 2/3 at recall 1.
    labels, scores = [True, False, True, False], [0.9, 0.8, 0.7, 0.1]
    # Two anomalies are touched one by one: recall 1/2 * existence 1/2, then 1 * 1.
    assert vus_pr(labels, scores, 0) == pytest.approx(0.25 * 1 + 0.75 * 2 / 3)
    # One anomaly of two rows has existence 1 from its first row on.
    assert vus_pr([True, True, False, False], [0.9, 0.7, 0.8, 0.1], 0) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_one_buffer_by_hand() -> None:
    # Rows:      0     1          2    3          4
    # Buffer 2:  0     sqrt(1/2)  1    sqrt(1/2)  0
    # Ranked 1, 2, 0, 3, 4, and buffers 0 and 1 reach no row beside the anomaly.
    labels, scores = flags(5, (2, 3)), [3, 5, 4, 2, 1]
    s = sqrt(1 / 2)
    plain = 1 / 2
    recalls = np.array([s / (1 + s / 2), min((1 + s) / (1 + s / 2), 1), 1, 1, 1])
    precisions = np.array([s / 1, (1 + s) / 2, (1 + s) / 3, (1 + 2 * s) / 4, (1 + 2 * s) / 5])
    buffered = float(np.sum(np.diff(recalls, prepend=0) * precisions))
    assert vus_pr(labels, scores, 0) == plain
    assert vus_pr(labels, scores, 1) == plain
    assert vus_pr(labels, scores, 2) == pytest.approx((plain + plain + buffered) / 3)


def test_anomalies_whose_buffers_touch_exist_together() -> None:
    # With a buffer of 4 the two anomalies are one: a find in either finds it. Their weights beside add up to 1 at most.
    labels, scores = flags(9, (2, 3), (6, 7)), np.arange(9) == 2
    near, far = 1 / sqrt(2), sqrt(3) / 2
    weights = np.array([near, far, 1, far, near, far, 1, far, near])
    weights[4] = min(2 * near, 1)
    # At the first level one row of two is found: recall 1 / 2, existence 1, precision 1; then everything.
    softly = weights.sum() - 2
    whole = min((2 + softly) / (2 + softly / 2), 1)
    expected = 0.5 * 1 + (whole - 0.5) * (2 + softly) / 9
    assert 5 * vus_pr(labels, scores, 4) - 4 * vus_pr(labels, scores, 3) == pytest.approx(expected)


@given(labelled(), st.integers(0, 12))
def test_perfect_scores_give_one(case: tuple[np.ndarray, np.ndarray], buffer: int) -> None:
    labels, _ = case
    assert vus_pr(labels, labels, buffer) == pytest.approx(1.0)


@given(labelled(), st.integers(0, 12))
def test_it_lies_between_zero_and_one_and_only_the_order_counts(
    case: tuple[np.ndarray, np.ndarray], buffer: int
) -> None:
    labels, scores = case
    value = vus_pr(labels, scores, buffer)
    assert 0 < value <= 1 + 1e-12
    assert vus_pr(labels, np.exp(scores) - 9, buffer) == pytest.approx(value)
    assert vus_pr(labels[::-1], scores[::-1], buffer) == pytest.approx(value)
    assert vus_pr(labels, scores, buffer, thresholds=len(scores)) == pytest.approx(value)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(20, 200))
def test_random_scores_give_about_the_share_of_anomalous_rows(seed: int, length: int) -> None:
    labels = flags(2000, (700, 700 + length))
    scores = np.random.default_rng(seed).random(2000)
    assert vus_pr(labels, scores, 0) == pytest.approx(length / 2000, abs=0.05)


def test_a_near_miss_is_worth_more_than_a_far_one_only_with_a_buffer() -> None:
    labels = flags(200, (100, 110))
    near, far = flags(200, (110, 115)), flags(200, (150, 155))
    assert vus_pr(labels, near, 0) == pytest.approx(vus_pr(labels, far, 0))
    assert vus_pr(labels, near, 20) > 2 * vus_pr(labels, far, 20)


def test_few_thresholds_cost_a_short_anomaly_its_area() -> None:
    labels = flags(5000, (1000, 1012))
    scores = np.where(labels, 1.0, 0.0) + 1e-6 * np.arange(5000)
    assert vus_pr(labels, scores, 0) == pytest.approx(1.0)
    assert vus_pr(labels, scores, 0, thresholds=250) < 0.7


@pytest.mark.parametrize(
    ("labels", "scores", "says"),
    [
        ([True, False], [1.0], "one length"),
        ([[True]], [[1.0]], "one length"),
        ([True, False], [1.0, float("nan")], "NaN"),
        ([False, False], [1.0, 0.0], "nothing to find"),
    ],
)
def test_what_cannot_be_scored_is_refused(labels: list[bool], scores: list[float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        vus_pr(labels, scores, 1)
    with pytest.raises(ValueError, match=says):
        top_point_distance(labels, scores)


def test_a_negative_buffer_is_refused() -> None:
    with pytest.raises(ValueError, match="max_buffer is -1"):
        vus_pr([True], [1.0], -1)

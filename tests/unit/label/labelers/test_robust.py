from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from svc_label.labelers.base import SeriesFrame
from svc_label.labelers.robust import LABELER, RobustParameters, point_scores


def frame(values: np.ndarray) -> SeriesFrame:
    return SeriesFrame(time=np.arange(len(values)), values=values[:, None], channels=("a",))


def noise(rows: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=rows)


def test_scores_by_hand() -> None:
    # Medians of three with reflected ends: 0 0 1 2 2 2; residuals 0 1 1 0 8 0. Their median is 0.5, and around each
    # row 0 1 1 1 0 0: the larger of the two is the deviation.
    values = np.array([0, 1, 0, 2, 10, 2], dtype=np.float64)
    scores = point_scores(values, RobustParameters(window=3))
    assert scores * 1.4826 == pytest.approx([0, 1, 1, 0, 16, 0])


def test_where_most_values_are_equal_the_mean_deviation_is_the_measure() -> None:
    # The median is 0 everywhere, and so is the median residual; the mean residual is 1.
    scores = point_scores(np.array([0, 0, 0, 8, 0, 0, 0, 0], dtype=np.float64), RobustParameters(window=5))
    assert scores * 1.2533 == pytest.approx([0, 0, 0, 8, 0, 0, 0, 0])


def test_noise_scores_in_standard_deviations() -> None:
    values = noise(20_000)
    scores = point_scores(values, RobustParameters())
    assert np.quantile(scores, 0.95) == pytest.approx(1.96, abs=0.1)
    values[5000] += 20.0
    assert point_scores(values, RobustParameters())[5000] == pytest.approx(abs(values[5000]), abs=1.0)


def test_the_level_may_wander() -> None:
    values = noise(5000) + np.linspace(0, 500, 5000)
    values[2500] += 15.0
    (proposal, *rest) = LABELER.propose(frame(values), RobustParameters(threshold=8.0)).proposals
    assert (proposal.segment.start_row, proposal.segment.end_row) == (2500, 2501)
    assert not rest


def test_a_constant_channel_proposes_nothing() -> None:
    for values in (np.zeros(1000), np.full(1000, 0.1), np.full(1000, np.nan), np.zeros(0)):
        assert not LABELER.propose(frame(values), RobustParameters()).proposals


def test_one_step_out_of_a_constant_is_the_only_candidate() -> None:
    values = np.full(1000, 7.5)
    values[321] = 7.6
    (proposal,) = LABELER.propose(frame(values), RobustParameters()).proposals
    assert (proposal.segment.start_row, proposal.segment.end_row) == (321, 322)
    assert proposal.segment.confidence > 0.9


def test_a_ripple_in_a_quiet_stretch_is_no_outlier() -> None:
    values = noise(6000)
    values[2000:4000] = 0.0
    values[3000] = 0.5
    assert point_scores(values, RobustParameters(window=101))[3000] < 2.0


def test_missing_values_change_nothing_for_the_others() -> None:
    values = noise(3000)
    values[1500] = 12.0
    gappy = np.insert(values, np.arange(100, 2900, 7), np.nan)
    scores, expected = point_scores(gappy, RobustParameters()), point_scores(values, RobustParameters())
    assert scores[np.isfinite(gappy)] == pytest.approx(expected)
    assert not scores[np.isnan(gappy)].any()


def test_confidence_is_one_half_at_the_threshold_and_grows() -> None:
    values = noise(5000)
    values[[1000, 2000, 3000]] = [8.0, 12.0, 30.0]
    proposals = LABELER.propose(frame(values), RobustParameters(threshold=5.0)).proposals
    assert [p.segment.start_row for p in proposals] == [3000, 2000, 1000]
    assert [p.segment.confidence for p in proposals] == [pytest.approx(p.score / (p.score + 5.0)) for p in proposals]


def test_every_channel_is_looked_at_by_itself() -> None:
    values = np.stack([noise(2000), 1000 * noise(2000, 1)], axis=1)
    values[700, 0] = 20.0
    values[900, 1] = -20_000.0
    series = SeriesFrame(time=np.arange(2000), values=values, channels=("small", "large"))
    proposals = LABELER.propose(series, RobustParameters(threshold=8.0)).proposals
    assert {(p.segment.channel, p.segment.start_row) for p in proposals} == {("small", 700), ("large", 900)}


# Below some size a number loses digits when it is multiplied, and so does the equality below.
MEASURED = st.floats(-1e6, 1e6).map(lambda value: value if abs(value) > 1e-200 else 0.0)


@settings(max_examples=50)
@given(
    arrays(np.float64, st.integers(0, 80), elements=st.one_of(MEASURED, st.just(np.nan), st.just(0.0))),
    st.integers(3, 101),
)
def test_scores_are_finite_and_do_not_depend_on_unit_or_level(values: np.ndarray, window: int) -> None:
    parameters = RobustParameters(window=window)
    scores = point_scores(values, parameters)
    assert scores.shape == values.shape
    assert np.isfinite(scores).all()
    assert (scores >= 0).all()
    # Multiplying by a power of two is exact.
    assert point_scores(-4.0 * values, parameters) == pytest.approx(scores, nan_ok=False)


def test_internal_bleeding_is_not_for_this_labeler(bleeding: Any) -> None:
    # The anomaly is a change of shape well within the range of the pulse: the median is blind to it. Known, and the
    # reason for the other labeler; this test notices if that ever changes.
    scores = point_scores(bleeding.test.values[:, 0], RobustParameters())
    anomaly = np.flatnonzero(bleeding.test_labels)
    assert scores[anomaly].max() < scores.max()
    assert scores.max() < 5.0


@pytest.mark.parametrize("speck", [5e-324, 1e-310, 1e-200])
def test_a_ripple_beyond_all_measure_makes_no_infinite_score(speck: float) -> None:
    values = np.where(np.arange(80) % 2, speck, 0.0)
    values[40] = 1e6
    assert np.isfinite(point_scores(values, RobustParameters(window=11))).all()

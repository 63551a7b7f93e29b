from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from shared.contracts.parameters import parse_parameters
from shared.errors import InvalidInputError
from svc_label.labelers.base import SeriesFrame
from svc_label.labelers.subsequence_pca import LABELER, SubsequencePcaParameters, point_scores
from upwell.scoring import top_point_distance, vus_pr

TRAIN: dict[str, Any] = {"fit_rows": (0, 1200), "windows": (30, 60, 125)}


def pulse(rows: int, seed: int = 0) -> np.ndarray:
    time = np.arange(rows)
    return np.sin(2 * np.pi * time / 50) + 0.05 * np.random.default_rng(seed).normal(size=rows)


def frame(values: np.ndarray) -> SeriesFrame:
    return SeriesFrame(time=np.arange(len(values)), values=values[:, None], channels=("a",))


def test_scores_are_the_mean_squared_distance_along_the_components() -> None:
    values, window = np.random.default_rng(0).normal(size=400).cumsum(), 8
    x = (values - values.mean()) / values.std()
    laid_out = sliding_window_view(x, window)
    deviations = laid_out - laid_out.mean(axis=0)
    variances, components = np.linalg.eigh(np.cov(laid_out.T, bias=True))
    distances = ((deviations @ components) ** 2 / variances).mean(axis=1)
    expected = [distances[max(row - window + 1, 0) : row + 1].mean() for row in range(len(x))]
    scores = point_scores(values, SubsequencePcaParameters(windows=(window,)))
    assert scores == pytest.approx(expected, rel=1e-3)
    assert np.mean(scores) == pytest.approx(1.0, abs=0.05)


def test_internal_bleeding_is_found_after_learning_from_the_train_part(bleeding: Any) -> None:
    scores = point_scores(bleeding.whole.values[:, 0], SubsequencePcaParameters(**TRAIN))[1200:]
    assert top_point_distance(bleeding.test_labels, scores) == 0
    assert vus_pr(bleeding.test_labels, scores, 100) > 0.95


@pytest.mark.parametrize("windows", [[30], [60], [125], []])
def test_internal_bleeding_is_found_with_each_window_and_with_none_given(bleeding: Any, windows: list[int]) -> None:
    scores = point_scores(
        bleeding.whole.values[:, 0], SubsequencePcaParameters(fit_rows=(0, 1200), windows=tuple(windows))
    )[1200:]
    assert top_point_distance(bleeding.test_labels, scores) <= 100


def test_internal_bleeding_is_the_one_candidate_without_a_train_part(bleeding: Any) -> None:
    (proposal,) = LABELER.propose(bleeding.test, SubsequencePcaParameters()).proposals
    rows = np.flatnonzero(bleeding.test_labels)
    assert proposal.segment.start_row <= rows[0]
    assert rows[-1] < proposal.segment.end_row
    assert proposal.segment.end_row - proposal.segment.start_row < 150
    assert proposal.segment.confidence > 0.8
    assert proposal.segment.start_time == proposal.segment.start_row + 1200


def test_the_unit_does_not_matter(bleeding: Any) -> None:
    values = bleeding.test.values[:, 0]
    scores = point_scores(values, SubsequencePcaParameters())
    assert point_scores(-1e6 * values + 3e7, SubsequencePcaParameters()) == pytest.approx(scores, rel=1e-3)


def test_learning_from_a_stretch_leaves_a_later_change_in_the_open() -> None:
    values = pulse(4000)
    values[2000:] += 0.5 * np.sin(2 * np.pi * np.arange(2000) / 9)
    blind = point_scores(values, SubsequencePcaParameters())
    taught = point_scores(values, SubsequencePcaParameters(fit_rows=(0, 2000)))
    assert np.median(taught[2200:]) > 20 * np.median(taught[:1800])
    assert np.median(blind[2200:]) < 2 * np.median(blind[:1800])


def test_short_gaps_are_bridged_and_long_ones_are_not_scored() -> None:
    values = pulse(3000)
    values[1000] = np.nan
    values[2000:2200] = np.nan
    scores = point_scores(values, SubsequencePcaParameters(windows=(50,)))
    assert np.isfinite(scores).all()
    assert scores[1000] > 0
    assert not scores[2000:2200].any()
    assert scores[:1999].max() < 3
    proposals = LABELER.propose(frame(values), SubsequencePcaParameters(windows=(50,))).proposals
    assert all(not 2000 <= p.segment.start_row < 2200 for p in proposals)


@pytest.mark.parametrize("values", [np.zeros(500), np.full(500, 0.1), np.full(500, np.nan)])
def test_a_constant_or_empty_channel_proposes_nothing(values: np.ndarray) -> None:
    assert not LABELER.propose(frame(values), SubsequencePcaParameters()).proposals


def test_a_noiseless_series_with_one_step_is_handled() -> None:
    values = np.zeros(2000)
    values[1000:1010] = 1.0
    scores = point_scores(values, SubsequencePcaParameters(windows=(32,)))
    assert np.isfinite(scores).all()
    assert abs(int(scores.argmax()) - 1005) <= 32


def test_rounding_errors_of_a_noiseless_series_are_no_components() -> None:
    # All windows of a sine lie in a plane: the other components have no variance to divide by.
    values = np.sin(2 * np.pi * np.arange(3000) / 40)
    clean = point_scores(values, SubsequencePcaParameters(windows=(40,)))
    assert clean.max() < 1.0
    values[1500] += 0.05
    assert abs(int(point_scores(values, SubsequencePcaParameters(windows=(40,))).argmax()) - 1500) <= 40


@pytest.mark.parametrize(
    ("values", "field", "says"),
    [
        ({"fit_rows": [5]}, "parameters.fit_rows", "start, end"),
        ({"fit_rows": [9, 9]}, "parameters.fit_rows", "start below end"),
        ({"fit_rows": [0, 501]}, "parameters.fit_rows", "past the series' 500 rows"),
        ({"fit_rows": [0, 20]}, "parameters.windows", "32 rows to learn from; there are 20"),
        ({"windows": [30, 300]}, "parameters.windows", "windows of 300 rows need 600 rows"),
        ({"windows": [3]}, "parameters.windows[0]", "use 4 to 4096"),
    ],
)
def test_parameters_that_do_not_fit_are_named(values: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        LABELER.propose(frame(pulse(500)), parse_parameters(SubsequencePcaParameters, values))
    assert [v.field for v in caught.value.violations] == [field]
    assert says in str(caught.value)


def test_a_channel_of_nothing_but_gaps_is_not_scored_and_does_not_stop_the_others() -> None:
    gappy = np.full(1000, np.nan)
    gappy[::100] = np.random.default_rng(0).normal(size=10)
    good = pulse(1000)
    good[500] += 3.0
    series = SeriesFrame(time=np.arange(1000), values=np.stack([gappy, good], axis=1), channels=("gappy", "good"))
    proposals = LABELER.propose(series, SubsequencePcaParameters(windows=(64,))).proposals
    assert {p.segment.channel for p in proposals} == {"good"}


def test_a_row_that_only_one_window_length_can_score_gets_the_whole_score() -> None:
    values = np.random.default_rng(0).normal(size=3000)
    values[1500:1512] = np.nan  # bridged for windows of 60 rows, too long for windows of 30
    long = point_scores(values, SubsequencePcaParameters(windows=(60,)))
    both = point_scores(values, SubsequencePcaParameters(windows=(30, 60)))
    assert both[1505] == pytest.approx(long[1505])
    assert both[100] != pytest.approx(long[100])


def test_memory_does_not_grow_with_the_window() -> None:
    values = np.random.default_rng(0).normal(size=200_000)
    peaks = []
    for window in (16, 128):
        tracemalloc.start()
        point_scores(values, SubsequencePcaParameters(windows=(window,)))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # The window matrix of the longer one would take 205 MB.
    assert peaks[1] < peaks[0] + 8e6
    assert peaks[1] < 12 * values.nbytes

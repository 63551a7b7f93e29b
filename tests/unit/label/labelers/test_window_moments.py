from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from svc_label.labelers.periods import autocorrelation, automatic_windows, clear_period
from svc_label.labelers.window_moments import usable_windows, window_moments


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 12), st.integers(0, 120), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.02, 0.2]))
def test_moments_are_those_of_the_windows_laid_out(window: int, more: int, seed: int, missing: float) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=window + more).cumsum()
    usable = usable_windows(rng.random(len(values)) < missing, window)
    usable[rng.integers(len(usable))] = True
    laid_out = sliding_window_view(values, window)[usable]
    mean, covariance = window_moments(values, usable)
    assert mean == pytest.approx(laid_out.mean(axis=0))
    centred = laid_out - laid_out.mean(axis=0)
    assert covariance == pytest.approx(centred.T @ centred / len(laid_out), abs=1e-9)


def test_the_recurrence_stays_exact_over_many_blocks() -> None:
    values = np.random.default_rng(0).normal(size=50_000)
    laid_out = sliding_window_view(values, 20)
    mean, covariance = window_moments(values, np.ones(len(laid_out), dtype=bool))
    assert mean == pytest.approx(laid_out.mean(axis=0), abs=1e-12)
    assert covariance == pytest.approx(np.cov(laid_out.T, bias=True), abs=1e-12)


def test_a_window_with_an_unusable_row_is_unusable() -> None:
    unusable = np.array([0, 0, 0, 1, 0, 0, 0], dtype=bool)
    assert usable_windows(unusable, 3).tolist() == [True, False, False, False, True]


def test_autocorrelation_by_hand() -> None:
    # Centred: -1 1 -1 1; products at lags 0 to 2: 4, -3, 2.
    assert autocorrelation(np.array([0.0, 2.0, 0.0, 2.0]), 2) == pytest.approx([1.0, -0.75, 0.5])
    assert not autocorrelation(np.ones(10), 3).any()


@pytest.mark.parametrize("period", [8, 25, 60, 183, 400])
def test_a_period_is_found_under_noise(period: int) -> None:
    time = np.arange(6000)
    values = np.sin(2 * np.pi * time / period) + 0.3 * np.random.default_rng(0).normal(size=len(time))
    assert abs(clear_period(values) - period) <= max(1, period // 50)


def test_noise_and_constants_have_no_period() -> None:
    assert clear_period(np.random.default_rng(0).normal(size=5000)) == 0
    assert clear_period(np.zeros(5000)) == 0
    assert clear_period(np.zeros(5)) == 0


def test_automatic_windows_are_whole_periods_where_there_is_one() -> None:
    time = np.arange(6000)
    assert automatic_windows(np.sin(2 * np.pi * time / 25)) == (50, 100)
    assert automatic_windows(np.random.default_rng(0).normal(size=6000)) == (64, 128)
    assert automatic_windows(np.random.default_rng(0).normal(size=100)) == (12, 25)

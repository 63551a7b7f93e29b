from __future__ import annotations

import numpy as np
import pytest

from shared.errors import InvalidInputError
from shared.fields.climatology import ClimatologySums, anomalies_of, monthly_climatology

MONTH_OF_T = np.arange(36) % 12


def field() -> np.ndarray:
    return np.random.default_rng(0).normal(20, 3, (36, 4, 5)).astype(np.float32)


def test_the_usual_year_is_the_mean_of_each_month() -> None:
    values = field()
    usual = monthly_climatology(values, MONTH_OF_T)
    np.testing.assert_allclose(usual, values.reshape(3, 12, 4, 5).mean(axis=0), rtol=1e-6)


def test_anomalies_over_the_base_period_have_a_mean_of_zero() -> None:
    values = field()
    anomalies = anomalies_of(values, monthly_climatology(values, MONTH_OF_T), MONTH_OF_T)
    np.testing.assert_allclose(anomalies.reshape(3, 12, 4, 5).mean(axis=0), 0, atol=1e-5)


def test_pieces_give_what_the_whole_gives() -> None:
    values = field()
    sums = ClimatologySums((4, 5))
    for first in range(0, 36, 5):
        sums.add(values[first : first + 5], MONTH_OF_T[first : first + 5])
    np.testing.assert_array_equal(sums.means(), monthly_climatology(values, MONTH_OF_T))


def test_what_is_missing_counts_for_nothing() -> None:
    values = field()
    values[0, 0, 0] = np.nan
    values[:, 3, 4] = np.nan
    usual = monthly_climatology(values, MONTH_OF_T)
    assert usual[0, 0, 0] == pytest.approx((values[12, 0, 0] + values[24, 0, 0]) / 2)
    assert np.isnan(usual[:, 3, 4]).all()


def test_a_usual_year_has_twelve_months() -> None:
    with pytest.raises(InvalidInputError, match="11 months; needed are 12"):
        anomalies_of(field(), field()[:11], MONTH_OF_T)

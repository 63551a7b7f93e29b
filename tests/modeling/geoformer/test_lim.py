"""The linear inverse model."""

from __future__ import annotations

import numpy as np
import pytest

from shared.errors import InvalidInputError
from shared.modeling.geoformer.lim import fit_lim

LAT = np.array([-3.0, 0.0, 3.0])
GROWTH = np.array([[0.9, -0.25, 0.0], [0.25, 0.85, 0.1], [0.0, 0.0, 0.6]])


def linear_system(months: int = 4000) -> np.ndarray:
    """Three patterns, orthogonal by area, that follow a known rule with noise: [T, 1, 3, 4]."""
    random = np.random.default_rng(5)
    patterns = np.linalg.qr(random.normal(size=(12, 3)))[0].T
    states = np.zeros((months, 3))
    for month in range(1, months):
        states[month] = GROWTH @ states[month - 1] + random.normal(0, 0.1, 3)
    area = np.repeat(np.sqrt(np.cos(np.deg2rad(LAT))), 4)
    return (states @ patterns / area).reshape(months, 1, 3, 4).astype(np.float32)


@pytest.mark.parametrize("lag", [1, 3])
def test_it_recovers_a_known_linear_system(lag: int) -> None:
    fields = linear_system()
    usable = np.ones(len(fields), dtype=bool)
    lim = fit_lim(fields, scales=(1.0,), lat=LAT, usable_T=usable, modes=3, lag=lag)
    found = np.sort_complex(np.linalg.eigvals(lim.growth_KK))
    np.testing.assert_allclose(found, np.sort_complex(np.linalg.eigvals(GROWTH)), atol=0.04)
    # Amplitudes and back is the same month, as three patterns are all there is.
    back = np.tensordot(lim.amplitudes(fields[:5]), lim.expand_KCYX, axes=1)
    np.testing.assert_allclose(back, fields[:5], atol=1e-4)


def test_its_forecast_of_the_next_month_is_what_noise_leaves() -> None:
    fields = linear_system()
    lim = fit_lim(fields[:3000], scales=(1.0,), lat=LAT, usable_T=np.ones(3000, dtype=bool), modes=3)
    told = lim.follow(fields[3000:-2], leads=2)
    assert told.shape == (998, 2, 1, 3, 4)
    off = told[:, 0] - fields[3001:-1]
    assert np.sqrt((off**2).sum(axis=(1, 2, 3)).mean()) == pytest.approx(0.1 * np.sqrt(3), rel=0.05)


def test_what_is_not_known_in_all_months_is_left_out() -> None:
    fields = np.concatenate([linear_system(400), linear_system(400)], axis=1)
    fields[10, 1] = np.nan  # a channel that lacks a month
    fields[:, 0, 0, 0] = np.nan  # land
    lim = fit_lim(fields, scales=(1.0, 2.0), lat=LAT, usable_T=np.ones(400, dtype=bool), modes=3)
    told = lim.follow(fields[-1:], leads=3)
    assert np.isfinite(told).all()
    assert not told[0, :, 1].any()
    assert not told[0, :, 0, 0, 0].any()
    assert told[0, :, 0, 1].all()


def test_months_that_may_not_be_used_change_nothing() -> None:
    fields = linear_system(300)
    usable = np.arange(300) < 200
    other = fields.copy()
    other[200:] = 100.0
    models = [fit_lim(one, scales=(1.0,), lat=LAT, usable_T=usable, modes=2) for one in (fields, other)]
    np.testing.assert_array_equal(models[0].growth_KK, models[1].growth_KK)


def test_too_few_months_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="4 pairs of months 1 apart"):
        fit_lim(linear_system(5), scales=(1.0,), lat=LAT, usable_T=np.ones(5, dtype=bool), modes=2)

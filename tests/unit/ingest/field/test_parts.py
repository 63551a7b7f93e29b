"""Units, stress, grids and means by themselves."""

from __future__ import annotations

import numpy as np
import pytest

from shared.errors import InvalidInputError
from svc_ingest.sources.field.means import monthly_means
from svc_ingest.sources.field.regrid import Regridder
from svc_ingest.sources.field.stress import drag_coefficient, stress_of
from svc_ingest.sources.field.units import conversion


@pytest.mark.parametrize(
    ("given", "wanted", "value", "expected"),
    [
        ("K", "degC", 300.0, 26.85),
        ("degF", "degC", 212.0, 100.0),
        ("DEG C", "degC", 20.0, 20.0),
        ("Celsius", "degC", 20.0, 20.0),
        ("dyn cm-2", "N m-2", 1.0, 0.1),
        ("Pa", "N m-2", 0.5, 0.5),
        ("knots", "m s-1", 1.0, 0.514444),
        ("cm", "m", 5.0, 0.05),
    ],
)
def test_units_are_converted(given, wanted, value, expected) -> None:
    converted = conversion(given, wanted, is_difference=False).apply(np.array([value]))
    assert converted.dtype == np.float32
    assert converted[0] == pytest.approx(expected, rel=1e-5)


def test_a_difference_of_temperatures_has_no_offset() -> None:
    assert conversion("K", "degC", is_difference=True).apply(np.array([1.5]))[0] == 1.5
    assert conversion("degF", "degC", is_difference=True).apply(np.array([9.0]))[0] == pytest.approx(5)


@pytest.mark.parametrize("given", ["Pa", "nonsense", "1", "m s-1 )"])
def test_a_unit_of_something_else_is_refused(given) -> None:
    with pytest.raises(InvalidInputError):
        conversion(given, "degC", is_difference=False)


def test_stress_points_along_the_wind_and_grows_with_its_square() -> None:
    u, v = np.array([3.0, -6.0, 0.0], dtype=np.float32), np.array([4.0, 8.0, 0.0], dtype=np.float32)
    taux, tauy = stress_of(u, u, v), stress_of(v, u, v)
    np.testing.assert_allclose(taux, [1.22 * 1.2e-3 * 5 * 3, -1.22 * 1.2e-3 * 10 * 6, 0], rtol=1e-5)
    np.testing.assert_allclose(np.hypot(taux, tauy)[:2], 1.22 * 1.2e-3 * np.array([25, 100]), rtol=1e-5)


def test_the_drag_grows_in_strong_winds() -> None:
    np.testing.assert_allclose(drag_coefficient(np.array([5, 10.9, 20], dtype=np.float32)), [1.2e-3, 1.2e-3, 1.79e-3])


FINE_LAT, FINE_LON = np.arange(-9.5, 10), np.arange(180.5, 200)


def test_coarsening_is_a_mean_by_area() -> None:
    values = np.random.default_rng(0).normal(size=(2, 20, 20)).astype(np.float32)
    coarse = Regridder(FINE_LAT, FINE_LON, np.arange(-8.0, 9, 4), np.arange(182.0, 199, 4)).apply(values)
    area = np.cos(np.radians(FINE_LAT))[None, :, None] * np.ones_like(values)
    blocks = [(array.reshape(2, 5, 4, 5, 4).sum(axis=(2, 4), dtype=np.float64)) for array in (values * area, area)]
    np.testing.assert_allclose(coarse, blocks[0] / blocks[1], atol=1e-6)


def test_a_finer_grid_is_interpolated_linearly() -> None:
    plane = (2 * FINE_LAT[:, None] + 3 * FINE_LON[None, :])[None].astype(np.float32)
    lat, lon = np.arange(-9, 9.1, 0.25), np.arange(181, 199, 0.5)
    finer = Regridder(FINE_LAT, FINE_LON, lat, lon).apply(plane)
    np.testing.assert_allclose(finer[0], 2 * lat[:, None] + 3 * lon[None, :], rtol=1e-5)


def test_a_coast_keeps_its_sea_and_nothing_is_made_up_outside() -> None:
    values = np.full((1, 20, 20), 25, dtype=np.float32)
    values[:, :10] = np.nan
    lat, lon = np.array([-30.0, -5.25, -0.25, 0.25, 5.25]), np.array([181.0, 182.0])
    maps = Regridder(FINE_LAT, FINE_LON, lat, lon).apply(values)
    np.testing.assert_array_equal(maps[0, :, 0], [np.nan, np.nan, np.nan, 25, 25])


def test_months_that_go_on_in_the_next_piece_have_one_mean() -> None:
    counts = np.array([5, 5, 5, 6, 7, 7, 7, 7])
    values = np.arange(16, dtype=np.float32).reshape(8, 1, 2)
    values[1, 0, 1] = np.nan
    expected = np.array([[2, 2 + 1], [6, 7], [11, 12]], dtype=np.float32)
    expected[0, 1] = (1 + 5) / 2
    for step in (1, 2, 3, 8):
        pieces = [(counts[i : i + step], values[i : i + step]) for i in range(0, 8, step)]
        found = list(monthly_means(iter(pieces)))
        assert np.concatenate([months for months, _ in found]).tolist() == [5, 6, 7]
        np.testing.assert_allclose(np.concatenate([maps for _, maps in found])[:, 0], expected)

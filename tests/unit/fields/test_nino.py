from __future__ import annotations

import numpy as np
import pytest

from shared.fields.nino import BOXES, Box, box_weights, holds_box, nino_indices

LAT = np.arange(-14.5, 15)
LON = np.arange(120.5, 290)


def uniform(value: float, months: int = 3) -> np.ndarray:
    return np.full((months, len(LAT), len(LON)), value, dtype=np.float32)


def test_a_uniform_anomaly_is_the_index_of_every_box() -> None:
    indices = nino_indices(uniform(1.5), LAT, LON)
    assert set(indices) == set(BOXES)
    for index in indices.values():
        assert index.dtype == np.float32
        np.testing.assert_allclose(index, 1.5, rtol=1e-6)


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES.keys())
def test_the_weights_are_the_area_of_the_box_whatever_the_grid(box) -> None:
    for step in (0.5, 1.0, 2.0, 2.5):
        lat, lon = np.arange(-20, 20.1, step), np.arange(0, 360, step)
        assert box_weights(box, lat, lon).sum() == pytest.approx(box.area, rel=1e-9)


def test_only_the_box_counts() -> None:
    outside = uniform(7)
    outside[:, (LAT[:, None] > -5) & (LAT[:, None] < 5) & (LON > 190) & (LON < 240)] = 0
    indices = nino_indices(outside, LAT, LON)
    assert (indices["nino34"] == 0).all()
    assert (indices["nino4"] > 1).all()


def test_cells_near_the_equator_weigh_more() -> None:
    values = np.broadcast_to(np.abs(LAT)[None, :, None], (1, len(LAT), len(LON))).astype(np.float32)
    cosines = np.cos(np.radians(LAT[np.abs(LAT) < 5]))
    expected = (np.abs(LAT[np.abs(LAT) < 5]) * cosines).sum() / cosines.sum()
    assert nino_indices(values, LAT, LON)["nino34"][0] == pytest.approx(expected, abs=1e-4)
    assert expected < 2.5


def test_land_is_left_out_and_a_month_that_is_hardly_known_has_no_index() -> None:
    values = uniform(2, months=3)
    land = LON > 278
    values[:, :, land] = np.nan
    values[1] = np.nan
    values[2, :, LON > 200] = np.nan
    indices = nino_indices(values, LAT, LON)
    assert indices["nino12"][0] == 2
    assert np.isnan(indices["nino34"][1:]).all()
    assert indices["nino4"][2] == 2


def test_a_box_that_the_grid_does_not_hold_has_no_index() -> None:
    narrow = np.abs(LAT) < 5
    assert set(nino_indices(uniform(1)[:, narrow], LAT[narrow], LON)) == {"nino3", "nino34", "nino4"}
    west = LON < 200
    assert nino_indices(uniform(1)[:, :, west], LAT, LON[west]) == {}


@pytest.mark.parametrize(
    ("lat", "is_held"),
    [
        # One cell short, written in float32.
        (np.linspace(-4.9999924, 4.4444504, 18), True),
        (np.linspace(-4.9999924, 4.4444504, 18)[:-1], False),
        # The last cell ends at 2.5N: three quarters of the box.
        (np.arange(-20.0, 1, 5), False),
        (np.array([-2.5, 2.5]), True),
        (np.zeros(1), False),
    ],
)
def test_a_grid_that_covers_nearly_all_of_a_box_holds_it(lat: np.ndarray, is_held: bool) -> None:
    assert holds_box(BOXES["nino34"], lat, LON) == is_held


def test_the_area_of_a_box_is_that_on_the_sphere() -> None:
    assert Box(south=-90, north=90, west=0, east=360).area == pytest.approx(4 * np.pi)

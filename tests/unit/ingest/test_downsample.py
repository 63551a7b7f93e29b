"""Downsampling keeps the shape, the ends and the alignment of the channels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tsdownsample import MinMaxLTTBDownsampler

Ingest = Callable[..., Any]

ROWS = 600_000
TIMES = np.arange(ROWS) * 10**6
WAVE = np.sin(np.arange(ROWS) / 5000) + np.random.default_rng(0).normal(size=ROWS) / 50
SPIKED = np.cos(np.arange(ROWS) / 3000) + np.random.default_rng(2).normal(size=ROWS) / 50
SPIKED[[1234, 300_000, 599_000]] = [9.0, -8.0, 7.0]


def table(times: Any, **channels: Any) -> pa.Table:
    return pa.table({"time": times, **channels})


@pytest.fixture(params=["even", "irregular"])
def times(request: pytest.FixtureRequest) -> Any:
    if request.param == "even":
        return TIMES
    return np.cumsum(np.random.default_rng(1).integers(1, 10**6, ROWS))


def test_extremes_ends_and_alignment_are_kept(ingest: Ingest, times: Any) -> None:
    made = ingest(table(times, a=WAVE, b=SPIKED), time_format="ns", downsample_to=1000)
    got = made.columns()
    assert made.facts.rows == len(got["time"]) <= 1000
    assert made.facts.rows > 800
    assert (got["time"][0], got["time"][-1]) == (times[0], times[-1])
    assert (max(got["b"]), min(got["b"])) == (9.0, -8.0)
    assert 7.0 in got["b"]
    rows = np.searchsorted(times, got["time"])
    assert got["a"] == WAVE[rows].tolist()
    assert got["b"] == SPIKED[rows].tolist()


def test_the_meta_says_how(ingest: Ingest) -> None:
    meta = ingest(table(TIMES, a=WAVE), time_format="ns", downsample_to=500).facts.to_meta()
    assert meta["downsampling"] == {"method": "minmax-lttb", "from_rows": ROWS, "points": 500}
    assert meta["rows"] <= 500


def test_the_line_is_as_near_as_the_library_s_own(ingest: Ingest) -> None:
    """The row groups that are looked at one by one cost no accuracy against tsdownsample in one go."""
    got = ingest(table(TIMES, a=WAVE), time_format="ns", downsample_to=500).columns()
    own = MinMaxLTTBDownsampler().downsample(WAVE, n_out=500)  # type: ignore[no-untyped-call]

    def error(x: Any, y: Any) -> float:
        return float(np.abs(np.interp(TIMES, x, y) - WAVE).mean())

    assert error(got["time"], got["a"]) <= 1.05 * error(TIMES[own], WAVE[own])


def test_missing_values_are_passed_over(ingest: Ingest) -> None:
    holes = np.where(np.arange(ROWS) % 3 == 0, np.nan, SPIKED)
    late = np.where(np.arange(ROWS) < 500_000, np.nan, WAVE)
    made = ingest(table(TIMES, a=holes, b=late), time_format="ns", missing="keep", downsample_to=400)
    got = made.columns()
    assert made.facts.rows <= 400
    assert max(value for value in got["a"] if value is not None) == 9.0
    assert all(value is None for value, time in zip(got["b"], got["time"], strict=True) if time < 500_000 * 10**6)
    assert sum(value is not None for value in got["b"]) > 150


def test_a_short_series_stays_whole(ingest: Ingest) -> None:
    short = table(TIMES[:100], a=WAVE[:100])
    kept, plain = ingest(short, time_format="ns", downsample_to=100), ingest(short, time_format="ns")
    assert kept.facts == plain.facts
    assert kept.path.read_bytes() == plain.path.read_bytes()


def test_the_same_rows_every_time(ingest: Ingest, times: Any) -> None:
    one, two = (ingest(table(times, a=SPIKED), time_format="ns", downsample_to=300) for _ in range(2))
    assert one.path.read_bytes() == two.path.read_bytes()

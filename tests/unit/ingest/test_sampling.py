"""Steps, gaps and irregularity, counted the same whatever the pieces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from svc_ingest.domain.sampling import Sampling, SamplingFacts


def facts(times: np.ndarray, pieces: int = 1) -> SamplingFacts:
    sampling = Sampling()
    for piece in np.array_split(times, pieces):
        sampling.add(piece)
    return sampling.facts()


def test_one_row_has_no_step() -> None:
    assert facts(np.array([5])) == SamplingFacts(median_step=0, gaps=0, irregular=False)


def test_regular_with_gaps() -> None:
    times = np.delete(np.arange(1000) * 10**9, [100, 500, 501])
    assert facts(times) == SamplingFacts(median_step=10**9, gaps=2, irregular=False)


def test_rounding_to_milliseconds_is_not_irregular() -> None:
    times = np.arange(10_000) * 1000 // 64 * 10**6
    assert facts(times) == SamplingFacts(median_step=16 * 10**6, gaps=0, irregular=False)


def test_waiting_times_are_irregular() -> None:
    steps = np.random.default_rng(0).exponential(10**9, 10_000).astype(np.int64) + 1
    found = facts(np.cumsum(steps))
    assert found.irregular
    assert found.median_step == pytest.approx(np.median(steps), rel=0.002)
    assert found.gaps == pytest.approx((steps > 1.5 * np.median(steps)).sum(), rel=0.01)


def test_the_longest_step_there_is() -> None:
    times = np.array([-(2**63), 2**63 - 1])
    assert facts(times).median_step == 2**64 - 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=60), st.integers(1, 8))
def test_pieces_do_not_matter_and_the_median_is_close(steps: list[int], pieces: int) -> None:
    times = np.cumsum([0, *steps])
    found = facts(times, pieces)
    assert found == facts(times)
    true = sorted(steps)[(len(steps) - 1) // 2]
    assert true / 1.001 <= found.median_step <= true

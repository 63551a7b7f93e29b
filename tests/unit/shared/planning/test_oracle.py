"""The oracle's rule, by example and for any table and state."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.planning.oracle import NONE_FITS, Oracle, room
from tests.unit.shared.planning.profiles import profile_of

CAPACITY = np.array([16.0, 64.0, 40.0, 24.0])


def still(*used: float) -> np.ndarray:
    return np.tile(np.array(used, dtype=np.float32), (8, 1))


def test_room_is_what_is_free_at_the_end_and_along_the_trend() -> None:
    used = np.zeros((4, 4))
    used[:, 0] = [1, 2, 3, 4]  # goes on to 5
    used[:, 1] = [40, 30, 20, 10]  # goes on to 0; the end counts
    used[:, 2] = [40, 0, 0, 0]  # its line is below zero at the next step
    used[:, 3] = [3, 3, 3, 3]
    assert room(used, CAPACITY).tolist() == pytest.approx([11, 54, 40, 21])
    assert room(used[:1], CAPACITY).tolist() == [15, 24, 0, 21]
    batch = np.stack([used, used * 0])
    assert room(batch, CAPACITY)[1].tolist() == CAPACITY.tolist()


def test_the_fastest_that_fits_is_chosen() -> None:
    oracle = Oracle(
        profile_of([(0, [1, 8, 8, 0, 0, 5]), (0, [1, 4, 8, 0, 0, 9]), (1, [1, 1, 1, 0, 0, 1])]), capacity=CAPACITY
    )
    assert oracle.choose(0, 1, still(0, 0, 0, 0)) == 0
    assert oracle.choose(0, 1, still(9, 0, 0, 0)) == 1
    assert oracle.choose(0, 1, still(13, 0, 0, 0)) == NONE_FITS
    assert oracle.choose(1, 1, still(13, 0, 0, 0)) == 2


def test_equal_latencies_are_decided_by_fewer_resources_then_by_the_id() -> None:
    rows = [[1, 2, 4, 9, 9, 5], [1, 2, 3, 9, 9, 5], [1, 4, 1, 1, 1, 5], [1, 2, 3, 9, 9, 5]]
    oracle = Oracle(profile_of([(0, row) for row in rows], tools=1), CAPACITY)
    assert oracle.candidates(0, 1).tolist() == [1, 3, 0, 2]


def test_an_input_size_between_the_profiled_ones_takes_the_next_larger() -> None:
    rows = [[4, 1, 1, 0, 0, 5], [1, 1, 1, 0, 0, 2]]
    oracle = Oracle(profile_of([(0, row) for row in rows], tools=1), CAPACITY)
    assert [oracle.profiled_size(0, size) for size in (0.5, 1, 2, 4, 99)] == [1, 1, 4, 4, 4]


tables = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.tuples(
            st.sampled_from([1.0, 2.0]), *(st.integers(0, int(c)) for c in CAPACITY), st.integers(1, 9)
        ).map(list),
    ),
    min_size=1,
    max_size=30,
).filter(lambda rows: {tool_id for tool_id, _ in rows} == {0, 1})  # fmt: skip
windows = st.lists(st.tuples(*(st.floats(0, float(c), width=32) for c in CAPACITY)), min_size=1, max_size=6)


@settings(max_examples=200, deadline=None)
@given(tables, windows, st.integers(0, 1))
def test_the_choice_fits_and_nothing_that_fits_is_faster(rows, window, tool_id) -> None:
    profile = profile_of(rows)
    oracle = Oracle(profile, CAPACITY)
    used = np.array(window, dtype=np.float32)
    free = room(used, CAPACITY)
    for size in oracle.sizes(tool_id):
        chosen = oracle.choose(tool_id, size, used)
        fitting = [
            i
            for i, (tool, numbers) in enumerate(rows)
            if tool == tool_id and numbers[0] == size and (np.array(numbers[1:-1]) <= free).all()
        ]
        if chosen == NONE_FITS:
            assert fitting == []
        else:
            assert chosen in fitting
            assert profile.latency_ms[chosen] == min(profile.latency_ms[i] for i in fitting)

"""Long series in pieces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from svc_infer.domain.chunks import Chunk, Reach, Rows, chunks


def pieces_of(lengths: Sequence[int], channels: int = 1) -> list[Rows]:
    """Pieces whose values are their rows and whose times are ten times that."""
    pieces, start = [], 0
    for length in lengths:
        rows = np.arange(start, start + length)
        values = np.repeat(rows[:, None], channels, axis=1).astype(np.float64)
        pieces.append(Rows(channels=tuple("abcdefgh"[:channels]), times=rows * 10, values=values))
        start += length
    return pieces


def covering_windows(row: int, rows: int, reach: Reach) -> set[int]:
    """Starts of the windows that see a row when the whole series is asked about at once."""
    last = max(rows - reach.window, 0)
    starts = [*range(0, last, reach.stride), last]
    return {start for start in starts if start <= row < start + reach.window}


@given(
    lengths=st.lists(st.integers(0, 300), max_size=8),
    window=st.integers(1, 40),
    stride_share=st.floats(0.05, 1),
    channels=st.integers(1, 3),
    values=st.integers(1, 400),
)
def test_cores_cover_every_row_once_and_see_what_the_whole_would_show_them(
    lengths, window, stride_share, channels, values
):
    reach = Reach(window=window, stride=max(1, int(window * stride_share)))
    rows = sum(lengths)
    made = list(chunks(pieces_of(lengths, channels), reach, values=values))
    assert [row for chunk in made for row in range(chunk.core_start, chunk.core_end)] == list(range(rows))
    for chunk in made:
        length = len(chunk.rows.times)
        assert chunk.rows.values[:, 0].tolist() == list(range(chunk.start_row, chunk.start_row + length))
        assert (chunk.rows.times == chunk.rows.values[:, 0] * 10).all()
        assert chunk.rows.values.shape == (length, channels)
        for row in (chunk.core_start, chunk.core_end - 1):
            here = covering_windows(row - chunk.start_row, length, reach)
            assert {start + chunk.start_row for start in here} == covering_windows(row, rows, reach)


def sizes(made: Sequence[Chunk]) -> list[tuple[int, int, int]]:
    return [(chunk.start_row, chunk.core_start, chunk.core_end) for chunk in made]


def test_a_short_series_is_one_chunk():
    made = list(chunks(pieces_of([30, 12]), Reach(window=8, stride=4), values=100))
    assert sizes(made) == [(0, 0, 42)]


def test_a_long_series_is_held_a_chunk_at_a_time():
    drawn = 0

    def endless():
        nonlocal drawn
        for piece in pieces_of([100] * 50):
            drawn += 100
            yield piece

    stream = chunks(endless(), Reach(window=8, stride=4), values=100)
    first = next(stream)
    assert (first.core_start, first.core_end, len(first.rows.times)) == (0, 100, 108)
    assert drawn == 200, "no more than what the chunk and its margin need"
    assert next(stream).start_row == 92


def test_many_channels_make_cores_shorter_down_to_four_windows():
    [first, *_] = chunks(pieces_of([1000], channels=8), Reach(window=8, stride=4), values=320)
    assert first.core_end == 40
    [first, *_] = chunks(pieces_of([1000], channels=8), Reach(window=8, stride=4), values=8)
    assert first.core_end == 32


@pytest.mark.parametrize("lengths", [[], [0, 0]])
def test_an_empty_series_has_no_chunk(lengths):
    assert list(chunks(pieces_of(lengths), Reach(window=8, stride=4), values=100)) == []

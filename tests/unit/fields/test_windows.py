from __future__ import annotations

import numpy as np
import pytest

from shared.errors import InvalidInputError
from shared.fields.windows import window_starts

ALL = np.ones(10, dtype=bool)


def test_every_window_that_fits() -> None:
    assert window_starts(ALL, history=4, future=3).tolist() == [0, 1, 2, 3]
    assert window_starts(ALL, history=4, future=3, first=2, end=9).tolist() == [2]
    assert window_starts(ALL, history=4, future=0, stride=3).tolist() == [0, 3, 6]
    assert window_starts(ALL, history=8, future=3).tolist() == []


def test_no_window_holds_an_unknown_month() -> None:
    known = ALL.copy()
    known[4] = False
    starts = window_starts(known, history=2, future=1)
    assert starts.tolist() == [0, 1, 5, 6, 7]
    assert all(known[start : start + 3].all() for start in starts)


@pytest.mark.parametrize("wrong", [{"history": 0}, {"future": -1}, {"stride": 0}, {"end": 11}, {"first": 5, "end": 4}])
def test_a_wrong_window_is_refused(wrong) -> None:
    with pytest.raises(InvalidInputError, match="window"):
        window_starts(ALL, **({"history": 2, "future": 1} | wrong))

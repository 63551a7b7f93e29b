"""Windows of a field's months: some to go on from, the next ones to forecast."""

# ruff: noqa: N803 - names end in their shape, in capitals

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.errors import InvalidInputError


def window_starts(
    known_T: NDArray[np.bool_],
    *,
    history: int,
    future: int,
    first: int = 0,
    end: int | None = None,
    stride: int = 1,
) -> NDArray[np.int64]:
    """First rows of the windows of `history + future` months that lie in [first, end) and hold no unknown month.

    Args:
        known_T: bool [months]: whether anything is known of a month.
        history: months to go on from, at least 1.
        future: months to forecast, 0 or more.
        first: first row that a window may hold.
        end: the row after the last that a window may hold; None is the field's end.
        stride: rows from one window to the next that may be.

    Raises:
        InvalidInputError: naming the argument.
    """
    if history < 1 or future < 0 or stride < 1:
        raise InvalidInputError.of("window", f"{history} + {future} months, stride {stride}: use 1 or more months")
    end = len(known_T) if end is None else end
    if not 0 <= first <= end <= len(known_T):
        raise InvalidInputError.of("window", f"rows {first} to {end} are not within the field's {len(known_T)} months")
    length = history + future
    starts = np.arange(first, end - length + 1, stride, dtype=np.int64)
    unknown_before = np.concatenate([[0], np.cumsum(~known_T)])
    return np.asarray(starts[unknown_before[starts + length] == unknown_before[starts]])

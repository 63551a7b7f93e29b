"""Months as dates, as text and as counts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from shared.errors import InvalidInputError

# A month as text, such as 2009-11: the calendar has no year 0.
MONTH = r"(?!0000)[0-9]{4}-(?:0[1-9]|1[0-2])"


def is_month(text: str) -> bool:
    """Whether it is a month such as `2009-11`."""
    return re.fullmatch(MONTH, text) is not None


def month_text(month: date) -> str:
    """`2009-11`."""
    return f"{month.year:04d}-{month.month:02d}"


def month_from_text(field: str, text: str, *, last: bool = False) -> date:
    """The first day of the month that `2009-11` names; `2009` alone is its January, or its December if `last`.

    Raises:
        InvalidInputError: naming `field`.
    """
    month = text if "-" in text else f"{text}-{12 if last else 1:02d}"
    if not is_month(month):
        raise InvalidInputError.of(field, f"{text!r} is no month: write 2009-11, or 2009 for the year")
    return date.fromisoformat(f"{month}-01")


def count_of(month: date) -> int:
    """Months since January of year 0, so that months can be subtracted."""
    return month.year * 12 + month.month - 1


def month_of(count: int) -> date:
    """The month that is so many after January of year 0."""
    return date(count // 12, count % 12 + 1, 1)


def months_between(first: date, last: date) -> tuple[date, ...]:
    """Every month from the first to the last, both of them in it."""
    return tuple(month_of(count) for count in range(count_of(first), count_of(last) + 1))


def out_of_order(months: Sequence[date]) -> str:
    """Which month does not come after the one before it, for people; empty where all do."""
    for before, after in pairwise(months):
        if count_of(after) != count_of(before) + 1:
            return f"{month_text(after)} does not come after {month_text(before)}: send months without a gap"
    return ""


def months_of_year(months: Sequence[date]) -> NDArray[np.int64]:
    """Which month of the year each is, January being 0."""
    return np.array([month.month - 1 for month in months], dtype=np.int64)

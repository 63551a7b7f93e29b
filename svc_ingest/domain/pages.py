"""Which rows of a stored dataset a person asks to see."""

from __future__ import annotations

from shared.errors import InvalidInputError

COUNTS = range(1, 101)


def page_of(*, start_row: int, count: int, rows: int) -> slice:
    """The rows from `start_row` on, `count` of them at most.

    Raises:
        InvalidInputError: naming the wrong field.
    """
    if count not in COUNTS:
        raise InvalidInputError.of("count", f"{count} is not between {COUNTS.start} and {COUNTS.stop - 1}")
    if start_row >= rows:
        raise InvalidInputError.of("start_row", f"{start_row} is not a row of the dataset, which has {rows}")
    return slice(start_row, min(start_row + count, rows))

"""Long lists for SQL, in pieces that both databases take as parameters of one statement."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

PARAMETERS = 500


def in_chunks(values: Collection[str]) -> Iterator[Sequence[str]]:
    """The values in order, so many at a time."""
    ordered = sorted(values)
    for start in range(0, len(ordered), PARAMETERS):
        yield ordered[start : start + PARAMETERS]

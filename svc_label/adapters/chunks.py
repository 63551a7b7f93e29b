"""Long lists in parts that one statement can carry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

ItemT = TypeVar("ItemT")
CHUNK = 1000


def chunks(items: Iterable[ItemT], size: int = CHUNK) -> Iterator[list[ItemT]]:
    """Lists of at most `size` items, in order."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk

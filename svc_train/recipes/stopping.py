"""A process that ends before a bundle is made, and that has not failed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class StoppedTrainingError(Exception):
    """The training has ended because it was asked to; its last checkpoint is written."""


class FollowerDoneError(Exception):
    """Of several workers this is not the first one, and its part is done: the first one saves, certifies, reports."""


class LostWorkerError(Exception):
    """Of several workers another one is gone; that one says why, or whoever started it sees how it ended."""


class StopRequest:
    """Whether the process was asked to end, and whether anybody will heed that. Safe from several threads."""

    def __init__(self) -> None:
        self._requested = False
        self._heeded = 0

    @property
    def requested(self) -> bool:
        """Whether to end at the next good moment."""
        return self._requested

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """While the block runs, somebody looks at `requested` and ends when it is set."""
        self._heeded += 1
        try:
            yield
        finally:
            self._heeded -= 1

    def request(self) -> bool:
        """Ask to end; False when nobody heeds it now, so that there is nothing to wait for."""
        self._requested = True
        return self._heeded > 0

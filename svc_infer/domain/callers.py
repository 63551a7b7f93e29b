"""Those who wait for an answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Caller:
    """Waits until its deadline, or until it goes; safe to ask from any thread.

    Args:
        deadline: when nobody waits any more, in the clock's terms.
        clock: seconds, monotonic.
    """

    def __init__(self, *, deadline: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.deadline = deadline
        self._clock = clock
        self._gone = threading.Event()

    def leave(self) -> None:
        """The caller has its answer, or hung up."""
        self._gone.set()

    def is_gone(self) -> bool:
        """Whether nobody waits any more."""
        return self._gone.is_set() or self._clock() >= self.deadline

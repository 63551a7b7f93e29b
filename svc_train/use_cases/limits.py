"""How long a training process may take."""

from __future__ import annotations

import time
from dataclasses import dataclass

from svc_train.domain.failures import RunTooLongError, StalledError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a training process may take, in seconds; 0 sets no limit.

    `stall_s` is the longest time without anything new: a step, an evaluation or a line of its log. `run_s` is the
    longest time in all.
    """

    stall_s: float = 0.0
    run_s: float = 0.0


NO_LIMITS = Limits()


class Watch:
    """Tells when a process takes too long."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._began = self._heard = time.monotonic()

    def look(self, *, news: bool) -> None:
        """Look at the clock; `news` is whether it has said anything new since the last look.

        Raises:
            RunTooLongError, StalledError: it has taken too long.
        """
        now = time.monotonic()
        if news:
            self._heard = now
        if 0 < self._limits.run_s < now - self._began:
            raise RunTooLongError(f"The training process was ended: it may run for {self._limits.run_s:g} s")
        if 0 < self._limits.stall_s < now - self._heard:
            raise StalledError(f"The training process was ended: it said nothing new for {self._limits.stall_s:g} s")

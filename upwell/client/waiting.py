"""Waiting for what happens elsewhere: ask again until it is there, and bear a service that restarts meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from upwell.errors import ToolError, UpwellClientError

T = TypeVar("T")

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 1.0
# Not there yet, or a service that restarts.
PASSING = frozenset({"NOT_FOUND", "UNAVAILABLE", "CANCELLED", "DEADLINE_EXCEEDED"})


async def until(ask: Callable[[], Awaitable[T | None]], *, within_s: float, what: str) -> T:
    """Ask until the answer is something.

    Args:
        ask: None means not yet, and so do the errors that pass.
        within_s: patience.
        what: what is waited for, as the subject of a sentence: "the number of pump-7".

    Raises:
        ToolError: the patience is over.
        UpwellClientError: an error that does not pass.
    """
    deadline = time.monotonic() + within_s
    pause_s = FIRST_PAUSE_S
    last = ""
    while True:
        try:
            answer = await ask()
            if answer is not None:
                return answer
        except UpwellClientError as error:
            if error.code not in PASSING:
                raise
            last = f" ({error.message})"
        if time.monotonic() > deadline:
            raise ToolError(f"{what} did not come within {within_s:.0f} s{last}")
        await asyncio.sleep(pause_s)
        pause_s = min(1.5 * pause_s, LONGEST_PAUSE_S)

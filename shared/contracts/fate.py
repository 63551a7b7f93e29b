"""What becomes of work whose handling failed: one rule for messages on the bus and for recorded work."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum

from shared.errors import PermanentError, UnavailableError

ATTEMPTS = 5
FIRST_DELAY_S = 0.2
MAX_DELAY_S = 60.0


class Verdict(StrEnum):
    """What to do next."""

    DEAD = "dead"  # give up and keep it where a person can see it
    RETRY = "retry"  # again after a delay; an attempt is spent
    EXCUSE = "excuse"  # again after a delay; nothing is spent, for the fault lies elsewhere


@dataclass(frozen=True, slots=True)
class Fate:
    """A verdict and, unless it is DEAD, the delay before the next try."""

    verdict: Verdict
    delay_s: float = 0.0


def decide(error: BaseException, *, spent: int, excused: int = 0, attempts: int = ATTEMPTS) -> Fate:
    """Decide after a failed try.

    Args:
        error: what went wrong.
        spent: tries that failed by their own fault, this one included.
        excused: tries that failed because a dependency was down, before this one.
        attempts: how many tries may be spent.
    """
    if isinstance(error, UnavailableError):
        return Fate(Verdict.EXCUSE, jittered_delay(excused))
    if isinstance(error, PermanentError) or spent >= attempts:
        return Fate(Verdict.DEAD)
    return Fate(Verdict.RETRY, jittered_delay(spent - 1))


def jittered_delay(failures: int) -> float:
    """A growing delay in seconds, jittered by a fifth so that replicas do not return in step."""
    return min(MAX_DELAY_S, FIRST_DELAY_S * 2.0 ** min(failures, 20)) * random.uniform(0.8, 1.2)  # noqa: S311

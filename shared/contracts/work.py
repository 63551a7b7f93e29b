"""Recorded work: a request that was accepted, and its life until it is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.errors import UpwellError


class WorkState(StrEnum):
    """queued -> running -> completed | failed | cancelled; running -> queued when a lease lapses or a try fails."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen."""
        return self in {WorkState.COMPLETED, WorkState.FAILED, WorkState.CANCELLED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why something failed: a short cause, a sentence, a remedy (may be empty) and evidence lines.

    `retried_with` names what was changed by itself for another try (JSON values), empty when nothing was.
    """

    cause: str
    reason: str
    remedy: str = ""
    evidence: tuple[str, ...] = ()
    retried_with: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One recorded request.

    `attempt` counts starts and is the fencing token: only its holder may finish the work. `spent` counts starts that
    failed by their own fault or were never heard of again, `excused` those that met a dependency which was down.
    `waiting_since` is when the work first waited for a name. Times are aware and in UTC.
    """

    id: str
    request: Mapping[str, Any]
    state: WorkState
    attempt: int
    spent: int
    excused: int
    created_at: datetime
    waiting_for: str = ""
    waiting_since: datetime | None = None
    finished_at: datetime | None = None
    result: Mapping[str, Any] = field(default_factory=dict)
    failure: Failure | None = None


def failure_of(error: Exception) -> Failure:
    """What a person is told of an error: our own errors speak for themselves, others are named as unexpected."""
    failure = getattr(error, "failure", None)
    if isinstance(failure, Failure):
        return failure
    if isinstance(error, UpwellError):
        return Failure(cause=cause_of(error), reason=str(error))
    return Failure(
        cause="internal_error",
        reason=f"An unexpected error: {type(error).__name__}",
        remedy="The service's log holds the details.",
    )


def cause_of(error: UpwellError) -> str:
    """The machine-readable cause: the error's name in snake case."""
    name = type(error).__name__.removesuffix("Error")
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")

"""Recorded work: a request that was accepted, and its life until it is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


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
    """Why something failed: a short cause, a sentence, a remedy (may be empty) and evidence lines."""

    cause: str
    reason: str
    remedy: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One recorded request.

    `attempt` counts starts and is the fencing token: only its holder may finish the work. `spent` counts tries that
    failed by their own fault, `excused` those that met a dependency which was down. Times are aware and in UTC.
    """

    id: str
    request: Mapping[str, Any]
    state: WorkState
    attempt: int
    spent: int
    excused: int
    created_at: datetime
    waiting_for: str = ""
    finished_at: datetime | None = None
    result: Mapping[str, Any] = field(default_factory=dict)
    failure: Failure | None = None

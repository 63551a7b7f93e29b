"""A run as people see it, and the journal of its attempts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.contracts.work import Work
from svc_train.domain.checkpoints import SavedCheckpoint
from svc_train.domain.request import RunRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an attempt has come, as the training process reports it.

    `eta_s` is the time left in seconds at this pace; `metrics` are evaluation numbers, on the steps that evaluate.
    """

    step: int
    total_steps: int
    loss: float
    learning_rate: float = 0.0
    tokens_per_s: float = 0.0
    eta_s: float = 0.0
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One thing that happened in an attempt: a report of its progress, or a line of its log."""

    attempt: int
    happened: Progress | str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProgress:
    """The progress of a run's attempt."""

    run_id: str
    attempt: int
    progress: Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run: its recorded work, what was asked for, its last progress and its furthest checkpoint (None before them).

    `queue_position` is 1 for the next to start, 0 for a run that does not wait for a slot.
    """

    work: Work
    request: RunRequest
    progress: RunProgress | None = None
    checkpoint: SavedCheckpoint | None = None
    queue_position: int = 0

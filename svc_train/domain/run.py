"""A run as people see it, and the journal of its attempts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.contracts.work import Failure, Work
from svc_train.domain.checkpoints import SavedCheckpoint
from svc_train.domain.request import RunRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class StepNumbers:
    """The finite numbers of one step by name: `loss`, `learning_rate`, `tokens_per_s`, evaluation numbers."""

    step: int
    numbers: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepMetric:
    """One number of a run, as it is kept; `recorded_at` is when the service heard of it."""

    step: int
    name: str
    value: float
    attempt: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an attempt has come, as the training process reports it.

    `eta_s` is the time left in seconds at this pace; `metrics` are evaluation numbers, on the steps that evaluate;
    `steps` are the numbers of every step since the last report, and are kept apart from the journal.
    """

    step: int
    total_steps: int
    loss: float
    learning_rate: float = 0.0
    tokens_per_s: float = 0.0
    eta_s: float = 0.0
    metrics: Mapping[str, float] = field(default_factory=dict)
    steps: tuple[StepNumbers, ...] = ()


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
class RunNotes:
    """What attempts leave to those after them.

    `retried_with` are the hyperparameters that hold instead of those asked for; `last_failure` is how the last attempt
    that went wrong ended, None when none did.
    """

    retried_with: Mapping[str, Any] = field(default_factory=dict)
    last_failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run: its recorded work, what was asked for, its last progress and furthest checkpoint (None before), and notes.

    `queue_position` is 1 for the next to start, 0 for a run that does not wait for a slot.
    """

    work: Work
    request: RunRequest
    progress: RunProgress | None = None
    checkpoint: SavedCheckpoint | None = None
    queue_position: int = 0
    notes: RunNotes = field(default_factory=RunNotes)

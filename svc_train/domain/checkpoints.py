"""Checkpoints: states of a run that another attempt can go on from, and which of them are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """The number by which checkpoints are compared."""

    name: str
    value: float
    larger_is_better: bool = True

    @property
    def goodness(self) -> float:
        """Larger is better, whatever the number is."""
        return self.value if self.larger_is_better else -self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedCheckpoint:
    """A checkpoint in the object store.

    Attributes:
        step: optimiser steps done.
        attempt: who made it; its objects lie below this number.
        digest: sha256 of its manifest.
        size_bytes: of its files together.
        monitor: None where nothing was measured.
    """

    run_id: str
    attempt: int
    step: int
    digest: str
    size_bytes: int
    saved_at: datetime
    monitor: Monitor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How many checkpoints of a run are kept: the newest, and the best of those that were measured."""

    last: int = 2
    best: int = 1

    @classmethod
    def of(cls, hyperparameters: Mapping[str, Any]) -> Keep:
        """As the run asks; the newest one is always kept."""
        last, best = hyperparameters.get("keep_last", cls().last), hyperparameters.get("keep_best", cls().best)
        return cls(last=max(int(last), 1), best=max(int(best), 0))

    def superfluous(self, checkpoints: Sequence[SavedCheckpoint]) -> tuple[SavedCheckpoint, ...]:
        """Those that are neither among the newest nor among the best."""
        newest = sorted(checkpoints, key=lambda one: (one.step, one.attempt), reverse=True)[: self.last]
        measured = [(one.monitor.goodness, one.step, one) for one in checkpoints if one.monitor]
        best = sorted(measured, key=lambda ranked: ranked[:2], reverse=True)[: self.best]
        kept = [*newest, *(one for *_, one in best)]
        return tuple(one for one in checkpoints if one not in kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedCheckpoint:
    """The training process left a checkpoint in its folder; `metrics` are its latest evaluation numbers."""

    step: int
    metrics: Mapping[str, float] = field(default_factory=dict)
    monitor: Monitor | None = None

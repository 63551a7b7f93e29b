"""What svc_train announces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.contracts.versions import BaseVersion, DatasetVersion, ModelRef
from shared.contracts.work import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseProduced:
    """A base was stored."""

    base: BaseVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """An attempt has begun."""

    run_id: str
    attempt: int
    recipe: str
    model: str
    dataset: DatasetVersion
    base: BaseVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCompleted:
    """A run made a model version.

    `wall_s` is the time its training processes took, over all attempts; `device_s` is that times the devices used.
    """

    run_id: str
    attempt: int
    recipe: str
    model: str
    stage: str
    dataset: DatasetVersion
    base: BaseVersion
    bundle_digest: str
    metrics: Mapping[str, float]
    hyperparameters: Mapping[str, Any]
    environment: Mapping[str, str]
    started_at: datetime
    finished_at: datetime
    parent: ModelRef | None = None
    total_steps: int = 0
    epochs: float = 0.0
    tokens: int = 0
    wall_s: float = 0.0
    device_s: float = 0.0
    peak_memory_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFailed:
    """A run ended with a failure; `attempt` is 0 when the request was refused and nothing was recorded."""

    run_id: str
    attempt: int
    recipe: str
    model: str
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCancelled:
    """A run was cancelled; a run that was resumed since may be cancelled again."""

    run_id: str
    cancelled_by: str
    cancelled_at: datetime


TrainEvent = BaseProduced | RunStarted | RunCompleted | RunFailed | RunCancelled

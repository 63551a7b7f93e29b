"""What the catalogue holds. Versions count from 1; times are aware and in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.contracts.versions import BaseVersion, DatasetVersion, ModelRef


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRecord:
    """A numbered dataset version; `id` grows with each registration, over all names."""

    id: int
    name: str
    version: int
    kind: str
    digest: str
    meta: Mapping[str, Any]
    size_bytes: int
    producer: str
    registered_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseRecord:
    """A base model."""

    name: str
    digest: str
    meta: Mapping[str, Any]
    size_bytes: int
    registered_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewModel:
    """A model version before it has a number: what a run says it made.

    `parent` is the version it went on from, None when it started from the base. `epochs` is 0 where passes over the
    data were not counted.
    """

    name: str
    run_id: str
    recipe: str
    bundle_digest: str
    base: BaseVersion
    dataset: DatasetVersion
    metrics: Mapping[str, float]
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    stage: str = ""
    parent: ModelRef | None = None
    total_steps: int = 0
    epochs: float = 0.0
    tokens: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRecord:
    """A numbered model version."""

    id: int
    version: int
    made: NewModel
    registered_at: datetime
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasMove:
    """An entry of the ledger; `from_version` is 0 when the alias was new."""

    ledger_id: int
    model: str
    alias: str
    from_version: int
    to_version: int
    moved_by: str
    reason: str
    moved_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPrediction:
    """A prediction job that ended well; `finished_at` is None where its event did not say."""

    job_id: str
    dataset: DatasetVersion
    model_name: str
    model_version: int
    run_id: str
    finished_at: datetime | None = None

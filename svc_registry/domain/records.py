"""What the catalogue holds. Versions count from 1; times are aware and in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.contracts.versions import BaseVersion, DatasetVersion, ModelRef
from svc_registry.domain.ledger import MoveKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """Who deleted a version, why and when."""

    deleted_by: str
    reason: str
    deleted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSignature:
    """A signature of a bundle: the name of the key, the signature in base64, who sent it and when."""

    key: str
    value: str
    signed_by: str
    signed_at: datetime


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
    deletion: Deletion | None = None

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


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
    deletion: Deletion | None = None
    signatures: tuple[KeptSignature, ...] = ()

    def __str__(self) -> str:
        return f"{self.made.name}@{self.version}"

    @property
    def ref(self) -> ModelRef:
        """Name, number and run."""
        return ModelRef(name=self.made.name, version=self.version, run_id=self.made.run_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMove:
    """An entry of the ledger before it has a number.

    `from_version` is where the alias stood, 0 for nowhere. `to_version` is where it went, 0 when it was cleared; of a
    refusal, the version that was refused. `failed` are the conditions that were not met, in words.
    """

    model: str
    alias: str
    kind: MoveKind
    from_version: int
    to_version: int
    moved_by: str
    reason: str = ""
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasMove:
    """An entry of the ledger; its fields are those of `NewMove`."""

    ledger_id: int
    model: str
    alias: str
    kind: MoveKind
    from_version: int
    to_version: int
    moved_by: str
    reason: str
    failed: tuple[str, ...]
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

"""What the catalogue announces."""

from __future__ import annotations

from dataclasses import dataclass

from shared.contracts.versions import ModelRef
from shared.contracts.work import Failure
from svc_registry.domain.gates import Gate
from svc_registry.domain.records import AliasMove, DatasetRecord, Deletion, KeptSignature, ModelRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRegistered:
    """A dataset version has its number."""

    name: str
    version: int
    kind: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRejected:
    """A dataset version was refused."""

    name: str
    digest: str
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseRegistered:
    """A base is known."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRegistered:
    """A model version has its number; `copied_from` is the version it is a copy of."""

    name: str
    version: int
    run_id: str
    bundle_digest: str
    copied_from: ModelRef | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRejected:
    """A model version was refused."""

    name: str
    run_id: str
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPromoted:
    """An alias moved."""

    move: AliasMove
    run_id: str
    bundle_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionRefused:
    """A gate refused a version."""

    move: AliasMove
    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasCleared:
    """An alias names nothing any more; `cleared` is the version it named."""

    move: AliasMove
    cleared: ModelRef


@dataclass(frozen=True, slots=True, kw_only=True)
class GateChanged:
    """A gate was set, or taken away: then it has no conditions."""

    gate: Gate


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelArchived:
    """A model version was deleted."""

    model: ModelRecord
    deletion: Deletion


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetArchived:
    """A dataset version was deleted."""

    dataset: DatasetRecord
    deletion: Deletion


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSigned:
    """A bundle has a signature."""

    model: ModelRecord
    signature: KeptSignature


RegistryEvent = (
    DatasetRegistered
    | DatasetRejected
    | BaseRegistered
    | ModelRegistered
    | ModelRejected
    | ModelPromoted
    | PromotionRefused
    | AliasCleared
    | GateChanged
    | ModelArchived
    | DatasetArchived
    | ModelSigned
)

"""What the catalogue announces."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.contracts.versions import DatasetVersion, ModelRef
from shared.contracts.work import Failure
from svc_registry.domain.gates import Gate
from svc_registry.domain.records import AliasMove, DatasetRecord, Deletion, KeptSignature, ModelRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRegistered:
    """A dataset version has its number; what has a default is not known of events of release 0.1."""

    name: str
    version: int
    kind: str
    digest: str
    producer: str = ""
    registered_at: datetime | None = None
    entry_id: int = 0

    @classmethod
    def of(cls, record: DatasetRecord) -> DatasetRegistered:
        """All that is needed to restore the record, together with the manifest."""
        return cls(
            name=record.name,
            version=record.version,
            kind=record.kind,
            digest=record.digest,
            producer=record.producer,
            registered_at=record.registered_at,
            entry_id=record.id,
        )


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
    registered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRegistered:
    """A model version has its number; `copied_from` is the version it is a copy of.

    What has a default is not known of events of release 0.1.
    """

    name: str
    version: int
    run_id: str
    bundle_digest: str
    registered_at: datetime | None = None
    entry_id: int = 0
    copied_from: ModelRef | None = None

    @classmethod
    def of(cls, record: ModelRecord, *, copied_from: ModelRef | None = None) -> ModelRegistered:
        """All that is needed to restore the record, together with what its run said, or with the original."""
        made = record.made
        return cls(
            name=made.name,
            version=record.version,
            run_id=made.run_id,
            bundle_digest=made.bundle_digest,
            registered_at=record.registered_at,
            entry_id=record.id,
            copied_from=copied_from,
        )


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

    model: ModelRef
    bundle_digest: str
    deletion: Deletion


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetArchived:
    """A dataset version was deleted."""

    dataset: DatasetVersion
    deletion: Deletion


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSigned:
    """A bundle has a signature."""

    model: ModelRef
    bundle_digest: str
    signature: KeptSignature


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryImported:
    """A file was imported: `digest` is the manifest that holds it, `checkpoint_digest` its checkpoint's, or empty."""

    path: str
    digest: str
    checkpoint_digest: str
    imported_by: str
    imported_at: datetime


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
    | HistoryImported
)

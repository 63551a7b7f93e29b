"""What the catalogue announces."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.contracts.work import Failure
from svc_registry.domain.records import AliasMove, DatasetRecord, ModelRecord


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
    """A model version has its number; what has a default is not known of events of release 0.1."""

    name: str
    version: int
    run_id: str
    bundle_digest: str
    registered_at: datetime | None = None
    entry_id: int = 0

    @classmethod
    def of(cls, record: ModelRecord) -> ModelRegistered:
        """All that is needed to restore the record, together with what its run said."""
        made = record.made
        return cls(
            name=made.name,
            version=record.version,
            run_id=made.run_id,
            bundle_digest=made.bundle_digest,
            registered_at=record.registered_at,
            entry_id=record.id,
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


RegistryEvent = DatasetRegistered | DatasetRejected | BaseRegistered | ModelRegistered | ModelRejected | ModelPromoted

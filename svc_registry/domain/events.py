"""What the catalogue announces."""

from __future__ import annotations

from dataclasses import dataclass

from shared.contracts.work import Failure
from svc_registry.domain.records import AliasMove


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
    """A model version has its number."""

    name: str
    version: int
    run_id: str
    bundle_digest: str


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

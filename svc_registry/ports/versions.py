"""Datasets, bases and model versions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from shared.contracts.manifest import Manifest
from svc_registry.domain.records import AliasMove, BaseRecord, DatasetRecord, ModelRecord, NewModel


class Datasets(Protocol):
    """Dataset versions by name; the key of a version is (name, digest)."""

    def find(self, name: str, digest: str) -> DatasetRecord | None:
        """The version by its key."""

    def at(self, name: str, version: int) -> DatasetRecord | None:
        """The version by its number."""

    def newest(self, name: str) -> DatasetRecord | None:
        """The highest version of a name that is not deleted."""

    def add(self, *, name: str, digest: str, manifest: Manifest, producer: str) -> DatasetRecord:
        """Number a version; ConflictError when the name is used for another kind."""

    def with_digests(self, digests: Collection[str]) -> Sequence[DatasetRecord]:
        """The versions with these digests, under whatever names, in no order."""

    def page(
        self, *, name: str, kind: str, before_id: int, limit: int, include_deleted: bool = False
    ) -> Sequence[DatasetRecord]:
        """Versions with a smaller id, newest first; empty filters do not narrow."""


class Bases(Protocol):
    """Bases by digest."""

    def find(self, reference: str) -> BaseRecord | None:
        """The base with this digest, else the newest of this name."""

    def add(self, *, name: str, manifest: Manifest) -> bool:
        """Record a base; False when it stands already."""

    def with_digests(self, digests: Collection[str]) -> Sequence[BaseRecord]:
        """The bases with these digests, in no order."""

    def all(self) -> Sequence[BaseRecord]:
        """All bases by name."""


class Models(Protocol):
    """Model versions by name; the key of a version is its run."""

    def by_run(self, run_id: str) -> ModelRecord | None:
        """The version a run made."""

    def at(self, name: str, version: int) -> ModelRecord | None:
        """The version by its number."""

    def named(self, name: str, alias: str) -> ModelRecord | None:
        """The version an alias names."""

    def add(self, model: NewModel) -> ModelRecord:
        """Number a version."""

    def of_runs(self, run_ids: Collection[str]) -> Sequence[ModelRecord]:
        """The versions these runs made, newest first."""

    def page(self, *, name: str, before_id: int, limit: int, include_deleted: bool = False) -> Sequence[ModelRecord]:
        """Versions with a smaller id, newest first; an empty name does not narrow."""

    def aliases(self, name: str) -> Sequence[tuple[AliasMove, ModelRecord]]:
        """Where the aliases stand, each with the move that put it there; an empty name means all models."""

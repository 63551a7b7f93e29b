"""What the catalogue asks of its database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from shared.contracts.manifest import Manifest
from shared.ports import Outbox
from svc_registry.domain.events import RegistryEvent
from svc_registry.domain.gates import Gate
from svc_registry.domain.graph import Direction, Graph
from svc_registry.domain.records import (
    AliasMove,
    BaseRecord,
    DatasetRecord,
    Deletion,
    KeptSignature,
    ModelRecord,
    NewModel,
    NewMove,
)
from svc_registry.domain.webhooks import Delivery


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

    def page(self, *, name: str, before_id: int, limit: int, include_deleted: bool = False) -> Sequence[ModelRecord]:
        """Versions with a smaller id, newest first; an empty name does not narrow."""

    def aliases(self, name: str) -> Sequence[tuple[AliasMove, ModelRecord]]:
        """Where the aliases stand, each with the move that put it there; an empty name means all models."""


class Ledger(Protocol):
    """Where each alias stood, entry by entry; entries are added, never changed."""

    def lock(self, model: str) -> None:
        """Until the transaction ends, nobody else moves an alias of the model."""

    def standing(self, model: str, alias: str) -> AliasMove | None:
        """The entry that put an alias where it stands; None while it names nothing."""

    def enter(self, move: NewMove) -> AliasMove:
        """Add an entry, and put the alias where it says; a refusal leaves it."""

    def entries(self, model: str, alias: str) -> Sequence[AliasMove]:
        """Those of one alias, oldest first."""

    def page(self, model: str, *, alias: str, limit: int) -> Sequence[AliasMove]:
        """Those of a model, newest first; an empty alias does not narrow."""


class Gates(Protocol):
    """Gates by model and alias."""

    def find(self, model: str, alias: str) -> Gate | None:
        """The gate before an alias."""

    def of_model(self, model: str) -> Sequence[Gate]:
        """All gates of a model, by alias."""

    def put(self, gate: Gate) -> None:
        """Set a gate, in place of the one that stands."""

    def remove(self, model: str, alias: str) -> bool:
        """Take a gate away; False when there is none."""


class Tombstones(Protocol):
    """Deleted versions by the key of their lineage node."""

    def add(self, key: str, *, deleted_by: str, reason: str) -> Deletion:
        """Mark a version as deleted; the first deletion stays."""

    def among(self, keys: Collection[str]) -> Mapping[str, Deletion]:
        """Those of the keys that are deleted."""


class Signatures(Protocol):
    """Signatures by the digest of the bundle; a key signs a bundle once."""

    def add(self, bundle_digest: str, *, key: str, value: str, signed_by: str) -> tuple[KeptSignature, bool]:
        """Keep a signature: (it, True), or (the one that stands, False)."""

    def of_bundles(self, digests: Collection[str]) -> Mapping[str, tuple[KeptSignature, ...]]:
        """The signatures of each bundle that has any."""


class Lineage(Protocol):
    """The graph."""

    def add(self, graph: Graph) -> None:
        """Join a graph in; a node that was seen stays seen."""

    def walk(self, key: str, direction: Direction, *, max_depth: int) -> Graph:
        """The sub-graph reached from a node, itself included, in one query; 0 means any depth."""


class RegistryTransaction(Protocol):
    """One transaction over the catalogue."""

    @property
    def datasets(self) -> Datasets:
        """Dataset versions."""

    @property
    def bases(self) -> Bases:
        """Bases."""

    @property
    def models(self) -> Models:
        """Model versions, and where the aliases stand."""

    @property
    def ledger(self) -> Ledger:
        """Every move of an alias."""

    @property
    def gates(self) -> Gates:
        """What stands before aliases."""

    @property
    def tombstones(self) -> Tombstones:
        """Deleted versions."""

    @property
    def signatures(self) -> Signatures:
        """Signatures of bundles."""

    @property
    def lineage(self) -> Lineage:
        """The graph."""

    @property
    def outbox(self) -> Outbox[RegistryEvent]:
        """The events to publish."""


class RegistryStore(Protocol):
    """Opens transactions."""

    def transaction(self) -> AbstractContextManager[RegistryTransaction]:
        """A transaction that may write."""

    def reading(self) -> AbstractContextManager[RegistryTransaction]:
        """A transaction that only reads."""


class Deliveries(Protocol):
    """Events that wait for webhooks. Each call is a transaction of its own."""

    def claim(self, url: str, *, lease_s: float) -> Delivery | None:
        """The oldest that is due for a webhook, with one more attempt; nobody else gets it until the lease lapses."""

    def postpone(self, delivery_id: int, *, delay_s: float) -> None:
        """Due again after a delay."""

    def remove(self, delivery_id: int) -> None:
        """It was delivered, or is given up."""


class Poster(Protocol):
    """HTTP to a webhook."""

    def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> None:
        """Post once; UnavailableError when the answer is not a 2xx, or none."""

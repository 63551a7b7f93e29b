"""What is written beside versions: where aliases stood, gates, deletions, signatures."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from svc_registry.domain.gates import Gate
from svc_registry.domain.records import AliasMove, Deletion, KeptSignature, NewMove


class Ledger(Protocol):
    """Where each alias stood, entry by entry; entries are added, never changed."""

    def lock(self, model: str) -> None:
        """Until the transaction ends, nobody else moves an alias of the model, or deletes or copies a version of it."""

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

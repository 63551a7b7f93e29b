"""The catalogue in its database."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from shared.ports import Outbox
from svc_registry.domain.events import RegistryEvent
from svc_registry.ports.histories import Chains, Histories
from svc_registry.ports.lineage import Lineage, ReviewIndex
from svc_registry.ports.marks import Gates, Ledger, Signatures, Tombstones
from svc_registry.ports.versions import Bases, Datasets, Models


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
    def reviews(self) -> ReviewIndex:
        """Who approved what."""

    @property
    def chains(self) -> Chains:
        """Versions along their parents."""

    @property
    def histories(self) -> Histories:
        """What was imported."""

    @property
    def outbox(self) -> Outbox[RegistryEvent]:
        """The events to publish."""


class RegistryStore(Protocol):
    """Opens transactions."""

    def transaction(self) -> AbstractContextManager[RegistryTransaction]:
        """A transaction that may write."""

    def reading(self) -> AbstractContextManager[RegistryTransaction]:
        """A transaction that only reads."""

"""What a rebuild reads and writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from svc_registry.domain.artifacts import Sort
from svc_registry.domain.gates import Gate
from svc_registry.domain.graph import Graph
from svc_registry.domain.records import AliasMove, BaseRecord, DatasetRecord, Deletion, KeptSignature, ModelRecord
from svc_registry.ports.histories import Histories

FactT = TypeVar("FactT")


class EventLog(Protocol):
    """What the streams remember. UnavailableError when the bus does not answer."""

    def facts(self, kind: type[FactT], *, unread: Callable[[str], None]) -> Iterator[FactT]:
        """Every fact of a kind, in the order of its stream; `unread` is told of each that cannot be read, and why."""


class Restorer(Protocol):
    """Writes records as they were into an empty catalogue, in one transaction."""

    @property
    def histories(self) -> Histories:
        """What is kept of imported histories."""

    def waiting_events(self) -> int:
        """Events that were not published yet, so that no stream remembers them."""

    def filled_tables(self) -> Sequence[str]:
        """Tables that hold rows, those of waiting events aside."""

    def clear(self) -> None:
        """Empty every table, those of waiting events aside."""

    def dataset(self, record: DatasetRecord) -> None:
        """Put a dataset version back; an `id` of 0 takes the next one."""

    def base(self, record: BaseRecord) -> None:
        """Put a base back."""

    def model(self, record: ModelRecord) -> None:
        """Put a model version back, without its aliases; an `id` of 0 takes the next one."""

    def move(self, move: AliasMove) -> None:
        """Put an entry of the ledger back, and the alias where it says, unless a later entry has put it elsewhere."""

    def gate(self, gate: Gate) -> None:
        """Set a gate, or take it away when it has no conditions."""

    def deletion(self, key: str, deletion: Deletion) -> None:
        """Mark a version as deleted, by the key of its lineage node."""

    def signature(self, bundle_digest: str, signature: KeptSignature) -> None:
        """Put a signature back."""

    def count(self, sort: Sort, name: str, version: int, *, kind: str = "") -> None:
        """Give no number up to this one again under this name."""

    def graph(self, graph: Graph) -> None:
        """Join a graph in."""

    def finish(self) -> None:
        """Let numbering go on behind what was put back."""


class RestoringStore(Protocol):
    """Opens the transaction of a rebuild."""

    def restoring(self) -> AbstractContextManager[Restorer]:
        """All or nothing; other writers wait."""

"""What the catalogue asks of its database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from shared.contracts.manifest import FileEntry, Manifest
from shared.contracts.objects import SignedUrl
from shared.ports import Outbox
from svc_registry.domain.artifacts import Blob, Sort
from svc_registry.domain.events import RegistryEvent
from svc_registry.domain.gates import Gate
from svc_registry.domain.graph import Direction, Graph
from svc_registry.domain.history import Chain, HistoryFile, ImportedVersion, ModelSummary
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
from svc_registry.domain.reviews import ReviewedCandidate, Subject, UnreadSet
from svc_registry.domain.webhooks import Delivery

FactT = TypeVar("FactT")


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

    def between(self, one: str, other: str) -> Graph:
        """Every way between two nodes, whichever is the older, in one query; only the two where there is none."""

    def below(self, subject: Subject, *, through_predictions: bool) -> tuple[frozenset[str], Graph]:
        """The nodes a subject stands for and what was made from them, in one query; see `Subject`."""


class ReviewIndex(Protocol):
    """Who approved which candidate, by review set. A set is named by its lineage node's key."""

    def lacking(self, dataset: str) -> Sequence[str]:
        """The review sets that went into a dataset (a node's key) and are not indexed."""

    def all_lacking(self, *, after: tuple[str, str], limit: int) -> Sequence[tuple[str, str]]:
        """(review set, dataset it went into) for sets that are not indexed, in order and greater than `after`."""

    def put(self, key: str, batches: Iterable[Sequence[ReviewedCandidate]]) -> None:
        """Index a set; nothing changes when it is indexed already."""

    def put_unread(self, key: str, reason: str) -> None:
        """Remember why a set is not indexed; nothing changes when it is."""

    def unread(self, *, limit: int) -> Sequence[UnreadSet]:
        """Sets that went into a dataset and are not indexed, by key."""

    def reviewers(self, keys: Collection[str]) -> Mapping[str, Mapping[str, int]]:
        """By set, how many candidates each reviewer approved; sets that are not indexed are absent."""


class ReviewFiles(Protocol):
    """The review files of datasets."""

    def opened(self, entry: FileEntry) -> AbstractContextManager[Iterator[Sequence[ReviewedCandidate]]]:
        """What a file says was approved, in batches; IntegrityError when it is missing or not what it should be."""


class Chains(Protocol):
    """Model versions along their parents."""

    def of(self, run_id: str) -> Chain | None:
        """The chain of the version a run made, in one walk; None when there is no such version."""

    def known(self, run_ids: Sequence[str]) -> Mapping[str, ModelRecord]:
        """Those of the versions that are registered, by run."""

    def own_after(self, *, model: str, after_id: int, limit: int) -> Sequence[ModelRecord]:
        """Versions that were not imported, with a larger id, oldest first; an empty model does not narrow."""

    def summaries(self, *, after: str, limit: int) -> Sequence[ModelSummary]:
        """Models whose names come after one, in order."""


class Histories(Protocol):
    """What is kept of imported histories."""

    def one_at_a_time(self) -> None:
        """Wait until no other transaction imports; held to the end of this one."""

    def imported(self, run_ids: Sequence[str]) -> Mapping[str, ImportedVersion]:
        """Those of the versions that were imported, by run."""

    def add(self, version: ImportedVersion) -> None:
        """Keep what a version was imported from."""

    def claim(self, version: ImportedVersion, *, stage: str) -> None:
        """A version has a file of its own: its checkpoint, and its stage where that was not known."""

    def file(self, path: str) -> HistoryFile | None:
        """The file imported under a path."""

    def file_of(self, run_id: str) -> HistoryFile | None:
        """The file of a version; the one imported last where it has several."""

    def put_file(self, file: HistoryFile, *, imported_by: str) -> None:
        """Keep a file in place of what stood at its path."""

    def files_after(self, *, model: str, after: str, limit: int) -> Sequence[HistoryFile]:
        """Files whose paths come after one, in order; an empty model does not narrow."""


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


class BlobStore(Protocol):
    """The bytes of versions, below the manifests. UnavailableError when the object store does not answer."""

    def sign_download(self, digest: str) -> SignedUrl:
        """Where a blob can be read for a while."""

    def sign_manifest(self, digest: str) -> SignedUrl:
        """Where a manifest can be read for a while."""

    def sign_upload(self, digest: str) -> SignedUrl:
        """Where these bytes, and no others, can be put for a while; StateError when the store does not hold to that."""

    def stands(self, digest: str, size_bytes: int) -> bool:
        """Whether a writer may count on the blob, else it has to be put (again)."""

    def stat(self, digests: Sequence[str]) -> Sequence[Blob | None]:
        """What is known of blobs, in their order; None for one that is missing."""

    def chunks(self, digest: str) -> Iterator[bytes]:
        """The bytes of a blob, piece by piece; NotFoundError when it is missing."""

    def blobs(self) -> Iterator[Blob]:
        """All there are."""

    def delete(self, digest: str) -> None:
        """Remove a blob."""

    def manifests(self) -> Iterator[str]:
        """The digests of all manifests."""

    def put_manifest(self, manifest: Manifest) -> None:
        """Store a manifest, whose files are there, under its digest."""


class EventLog(Protocol):
    """What the streams remember. UnavailableError when the bus does not answer."""

    def facts(self, kind: type[FactT], *, unread: Callable[[str], None]) -> Iterator[FactT]:
        """Every fact of a kind, in the order of its stream; `unread` is told of each that cannot be read, and why."""


class Restorer(Protocol):
    """Writes records as they were into an empty catalogue, in one transaction."""

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

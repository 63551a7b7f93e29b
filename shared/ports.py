"""What more than one service asks of the world. Implementations live in `shared.runtime`, fakes in the tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from shared.contracts.manifest import FileEntry, Manifest
from shared.contracts.objects import StoredObject
from shared.contracts.versions import DatasetVersion, ModelVersion
from shared.contracts.work import Failure, Work, WorkState

EventT_contra = TypeVar("EventT_contra", contravariant=True)
TransactionT_co = TypeVar("TransactionT_co", covariant=True)


class ObjectStore(Protocol):
    """Bytes under keys. Missing keys raise NotFoundError, a store that does not answer UnavailableError."""

    def put_file(self, key: str, path: Path) -> None:
        """Store a file; readers see all of it or nothing."""

    def put_bytes(self, key: str, data: bytes) -> None:
        """Store bytes."""

    def get_bytes(self, key: str, *, max_bytes: int) -> bytes:
        """Read an object; IntegrityError when it is larger than `max_bytes`."""

    def get_file(self, key: str, path: Path) -> None:
        """Read an object into a file."""

    def exists(self, key: str) -> bool:
        """Whether the key holds an object."""

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys under a prefix; those of one folder come together and in order."""

    def stat(self, key: str) -> StoredObject:
        """What is known of an object without reading it."""

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """As `keys`, with what `stat` says of each."""

    def chunks(self, key: str) -> Iterator[bytes]:
        """The bytes of an object, in pieces that fit into memory."""

    def delete(self, key: str) -> None:
        """Remove an object; nothing happens when there is none."""


class ArtifactStore(Protocol):
    """Content-addressed files and the manifests that list them."""

    def store(
        self, *, kind: str, files: Mapping[str, Path], meta: Mapping[str, Any], parents: Sequence[str]
    ) -> Manifest:
        """Upload the files (path in the version -> local file), then the manifest."""

    def manifest(self, digest: str) -> Manifest:
        """Read and verify a manifest; NotFoundError when there is none, IntegrityError when it is damaged."""

    def fetch(self, manifest: Manifest, folder: Path) -> None:
        """Download every file into the folder and verify every digest; IntegrityError names the file."""

    def fetch_file(self, entry: FileEntry, path: Path) -> None:
        """Download and verify one file."""


class Outbox(Protocol[EventT_contra]):
    """Events that are published if, and only if, the transaction around them commits."""

    def add(self, event: EventT_contra) -> None:
        """Publish the event after the commit; the same event twice is published once."""


class WorkQueue(Protocol):
    """Recorded work, inside a transaction. Methods with `attempt` raise StateError when the lease was lost."""

    def record(self, work_id: str, request: Mapping[str, Any]) -> bool:
        """Record a request: True when new, False when it stands already; ConflictError when its body differs."""

    def claim(self, *, lease_s: float) -> Work | None:
        """Lease the oldest work that is due, or whose lease lapsed; None when there is none."""

    def renew(self, work_id: str, attempt: int, *, lease_s: float) -> None:
        """Keep the lease."""

    def complete(self, work_id: str, attempt: int, result: Mapping[str, Any]) -> None:
        """Finish the work with its result (JSON values)."""

    def release(
        self, work_id: str, attempt: int, *, delay_s: float, waiting_for: str, spent: bool, excused: bool
    ) -> None:
        """Put the work back, due after a delay."""

    def wait(self, work_id: str, attempt: int, *, delay_s: float, waiting_for: str, is_patient: bool = False) -> None:
        """Put back work that waits for a name: nothing was started, so the attempt's number is given back.

        Where it is patient, the time it waits is not counted.
        """

    def fail(self, work_id: str, attempt: int, failure: Failure) -> None:
        """Finish the work with its failure."""

    def hold(self, work_id: str, attempt: int) -> None:
        """Let no newer attempt begin before this transaction ends, also when the work was cancelled meanwhile."""

    def forgive(self, work_id: str, attempt: int) -> None:
        """Forget the attempts spent and excused before this one, for it got further than they did."""

    def reopen(self, work_id: str) -> None:
        """Queue failed or cancelled work again, as if nothing were spent; StateError when it is neither."""

    def line(self, *, limit: int) -> Sequence[str]:
        """Ids of queued work that waits for nothing but a free worker, the next one first."""

    def cancel(self, work_id: str) -> None:
        """Cancel the work whoever holds it; StateError when it has ended, NotFoundError when there is none."""

    def get(self, work_id: str) -> Work:
        """One piece of work; NotFoundError when there is none."""

    def list(self, *, limit: int, state: WorkState | None = None) -> Sequence[Work]:
        """Work, newest first."""


class Transaction(Protocol[EventT_contra]):
    """One database transaction with what every working service has in it."""

    @property
    def work(self) -> WorkQueue:
        """The recorded work."""

    @property
    def outbox(self) -> Outbox[EventT_contra]:
        """The events to publish."""


class Store(Protocol[TransactionT_co]):
    """Opens transactions: committed when the block ends well, rolled back when it raises."""

    def transaction(self) -> AbstractContextManager[TransactionT_co]:
        """A transaction that may write."""


class Catalogue(Protocol):
    """The registry, as other services see it. UnavailableError when it does not answer."""

    def dataset(self, reference: str) -> DatasetVersion:
        """The version `name@3`, or the newest of `name`; NotFoundError when there is none (yet)."""

    def dataset_by_digest(self, name: str, digest: str) -> DatasetVersion:
        """The version by its key; NotFoundError when there is none (yet)."""

    def model(self, reference: str) -> ModelVersion:
        """The version `name@4`, `name:alias`, or the champion of `name`; NotFoundError when there is none (yet)."""

    def model_of_run(self, run_id: str) -> ModelVersion:
        """The version that a run made; NotFoundError when there is none (yet)."""

    def aliases(self) -> Mapping[tuple[str, str], ModelVersion]:
        """(model, alias) -> the version it names."""


class SignatureVerifier(Protocol):
    """Knows the public keys that are trusted here."""

    @property
    def names(self) -> Sequence[str]:
        """The keys' names."""

    def verify(self, *, key: str, bundle_digest: str, signature: str) -> bool:
        """Whether a signature (base64) is of this bundle and by the trusted key of this name."""

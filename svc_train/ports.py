"""What svc_train asks of the world."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from shared.contracts.versions import DatasetVersion
from shared.contracts.work import WorkState
from shared.ports import Outbox, WorkQueue
from svc_train.domain.bases import AvailableBase, BaseSource
from svc_train.domain.events import TrainEvent
from svc_train.domain.run import JournalEntry, RunProgress


class Runs(Protocol):
    """What is known of runs beside their recorded work."""

    def add(self, run_id: str, *, model: str) -> None:
        """Enter a run; nothing changes when it stands already."""

    def ids(self, *, model: str, state: WorkState | None, limit: int) -> Sequence[str]:
        """Ids of the runs for a model, newest first."""

    def pin_dataset(self, run_id: str, dataset: DatasetVersion) -> None:
        """Keep the version that the run's reference was resolved to."""

    def pinned_dataset(self, run_id: str) -> DatasetVersion | None:
        """The version an earlier attempt resolved; None before the first."""


class Journal(Protocol):
    """What happened in attempts, in order."""

    def add(self, run_id: str, entries: Sequence[JournalEntry]) -> None:
        """Write entries."""

    def after(self, run_id: str, entry_id: int, *, limit: int) -> Sequence[tuple[int, JournalEntry]]:
        """Entries with a larger id, in order, with their ids."""

    def latest(self, run_ids: Sequence[str]) -> Mapping[str, RunProgress]:
        """The last progress of each run that has one."""

    def trim_log(self, run_id: str, attempt: int, *, keep: int) -> None:
        """Forget all but the newest log lines of an attempt; progress stays."""


class Bases(Protocol):
    """Which bases were stored, by name and fingerprint of what they were stored from."""

    def find(self, name: str, fingerprint: str) -> str | None:
        """The manifest's digest."""

    def add(self, name: str, fingerprint: str, digest: str) -> None:
        """Remember a stored base."""

    def all(self, fingerprint: str) -> Mapping[str, str]:
        """Name -> digest of all that were stored with the fingerprint."""


class TrainTransaction(Protocol):
    """One transaction over the service's tables."""

    @property
    def work(self) -> WorkQueue:
        """The runs' recorded work."""

    @property
    def outbox(self) -> Outbox[TrainEvent]:
        """The events to publish."""

    @property
    def runs(self) -> Runs:
        """Runs."""

    @property
    def journal(self) -> Journal:
        """The journal."""

    @property
    def bases(self) -> Bases:
        """Stored bases."""


class TrainStore(Protocol):
    """Opens transactions."""

    def transaction(self) -> AbstractContextManager[TrainTransaction]:
        """A transaction that may write."""

    def reading(self) -> AbstractContextManager[TrainTransaction]:
        """A transaction that only reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedBase:
    """A base's files by their path in it, and facts about them for the manifest."""

    files: Mapping[str, Path]
    meta: Mapping[str, Any]


class BaseShelf(Protocol):
    """Where bases come from: built in, or brought as folders."""

    def fingerprint(self, name: str) -> str:
        """Changes when the base of that name may have changed; quick."""

    def prepare(self, name: str, folder: Path, *, must_stop: Callable[[], bool]) -> PreparedBase:
        """Build a base in the folder, or check the one that somebody brought.

        Raises:
            InvalidInputError: there is no such base, or it is no causal language model.
            StoppedAttemptError: `must_stop` said so.
        """

    def prepare_from(self, source: BaseSource, folder: Path, *, must_stop: Callable[[], bool]) -> PreparedBase:
        """Fetch, build or check the base that a source names; raises as `prepare`.

        Raises:
            UnavailableError: the hub does not answer.
        """

    def available(self) -> Sequence[AvailableBase]:
        """Folders, then built-in ones, each by name; quick."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line that a process wrote: on its standard output, where events go, or on its standard error."""

    text: str
    is_output: bool


class Child(Protocol):
    """A process that trains."""

    @property
    def ended(self) -> bool:
        """Whether everything it ever said has been read."""

    def read(self, window_s: float) -> Sequence[Line]:
        """What it says within the window; returns sooner when it ends."""

    def exit_code(self) -> int:
        """How it ended; a negative number is that of a signal. Only once `ended`."""

    def stop(self) -> None:
        """End it and its children; returns when they are gone. Again is fine."""


class ChildLauncher(Protocol):
    """Starts training processes, which die with this one."""

    def launch(self, job_folder: Path) -> Child:
        """Start one on the `job.json` in the folder."""


class ProgressFeed(Protocol):
    """Live progress for whoever listens: it may drop reports, never the last one, and never blocks."""

    def publish(self, progress: RunProgress) -> None:
        """Offer a report."""


class Lease(Protocol):
    """What an attempt can ask about its lease."""

    @property
    def must_stop(self) -> bool:
        """The lease was lost, the run was cancelled or the service is stopping."""

    def wait(self, seconds: float) -> bool:
        """Sleep at most so long; True when the attempt has to end."""

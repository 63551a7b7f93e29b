"""What svc_train asks of the world."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from shared.contracts.versions import DatasetVersion, ModelVersion
from shared.contracts.work import Failure, WorkState
from shared.ports import Outbox, WorkQueue
from svc_train.domain.bases import AvailableBase, BaseSource
from svc_train.domain.checkpoints import SavedCheckpoint
from svc_train.domain.events import TrainEvent
from svc_train.domain.run import JournalEntry, RunNotes, RunProgress, StepMetric, StepNumbers


class Runs(Protocol):
    """What is known of runs beside their recorded work."""

    def add(self, run_id: str, *, model: str, parent_run: str = "") -> None:
        """Enter a run; nothing changes when it stands already."""

    def ids(self, *, model: str, state: WorkState | None, limit: int) -> Sequence[str]:
        """Ids of the runs for a model, newest first."""

    def pin_dataset(self, run_id: str, dataset: DatasetVersion) -> None:
        """Keep the version that the run's reference was resolved to."""

    def pinned_dataset(self, run_id: str) -> DatasetVersion | None:
        """The version an earlier attempt resolved; None before the first."""

    def pin_parent(self, run_id: str, parent: ModelVersion) -> None:
        """Keep the version to go on from."""

    def pinned_parent(self, run_id: str) -> ModelVersion | None:
        """The parent an earlier attempt resolved; None before the first, and where there is none."""

    def children(self, run_id: str) -> Sequence[str]:
        """Ids of the runs that asked to go on from this one."""

    def add_wall_time(self, run_id: str, seconds: float) -> None:
        """Its training process took so much longer."""

    def wall_s(self, run_id: str) -> float:
        """What the training processes of all attempts took, in seconds."""

    def retry_with(self, run_id: str, changed: Mapping[str, Any]) -> None:
        """From the next attempt on these hyperparameters hold instead of those asked for."""

    def note_failure(self, run_id: str, failure: Failure) -> None:
        """Keep how an attempt went wrong, in the place of the one before."""

    def notes(self, run_ids: Sequence[str]) -> Mapping[str, RunNotes]:
        """What was noted of each run that is known."""


class Journal(Protocol):
    """What happened in attempts, in order."""

    def add(self, run_id: str, entries: Sequence[JournalEntry]) -> None:
        """Write entries."""

    def after(
        self, run_id: str, entry_id: int, *, limit: int, logs_only: bool = False
    ) -> Sequence[tuple[int, JournalEntry]]:
        """Entries with a larger id, in order, with their ids."""

    def latest(self, run_ids: Sequence[str]) -> Mapping[str, RunProgress]:
        """The last progress of each run that has one."""

    def furthest(self, run_id: str) -> int:
        """The furthest step that any attempt told of; 0 before the first."""

    def trim_log(self, run_id: str, attempt: int, *, keep: int) -> None:
        """Forget all but the newest log lines of an attempt; progress stays."""


class Checkpoints(Protocol):
    """Which checkpoints are whole in the object store."""

    def add(self, checkpoint: SavedCheckpoint) -> None:
        """Enter one; again is fine."""

    def of(self, run_id: str) -> Sequence[SavedCheckpoint]:
        """Those of all attempts of a run, the furthest first."""

    def furthest(self, run_ids: Sequence[str]) -> Mapping[str, SavedCheckpoint]:
        """The furthest of each run that has any."""

    def run_ids(self) -> Sequence[str]:
        """The runs that have any."""

    def remove(self, checkpoints: Sequence[SavedCheckpoint]) -> None:
        """Strike them out; their objects are removed afterwards, when nobody can find them any more."""


class Metrics(Protocol):
    """The numbers of runs, one for each step and name."""

    def put(self, run_id: str, attempt: int, steps: Sequence[StepNumbers]) -> None:
        """Keep the numbers of steps, in the place of those that an earlier attempt made of the same steps."""

    def after(self, run_id: str, place: tuple[int, str], *, names: Sequence[str], limit: int) -> Sequence[StepMetric]:
        """Numbers behind a place (step, name), by step and then by name; no names do not narrow."""

    def names(self, run_id: str) -> Sequence[str]:
        """Every name that the run has a number of, in order."""


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
    def metrics(self) -> Metrics:
        """The runs' numbers."""

    @property
    def bases(self) -> Bases:
        """Stored bases."""

    @property
    def checkpoints(self) -> Checkpoints:
        """Checkpoints."""


class TrainStore(Protocol):
    """Opens transactions."""

    def transaction(self) -> AbstractContextManager[TrainTransaction]:
        """A transaction that may write."""

    def reading(self) -> AbstractContextManager[TrainTransaction]:
        """A transaction that only reads."""


class CheckpointFiles(Protocol):
    """The files of checkpoints in the object store, apart for each attempt. UnavailableError when it is down."""

    def save(self, run_id: str, attempt: int, step: int, folder: Path) -> tuple[str, int]:
        """Upload a folder: its manifest's digest and its bytes; FileNotFoundError when it is empty or gone."""

    def fetch(self, checkpoint: SavedCheckpoint, folder: Path) -> None:
        """Download into a new folder and verify; IntegrityError when anything is missing or damaged."""

    def remove(self, run_id: str, attempt: int, step: int) -> None:
        """Remove one, whole or not; again is fine."""

    def stored(self) -> Iterator[tuple[str, int, int]]:
        """(run, attempt, step) of all that lie there, whole or not."""


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

    def stop(self) -> Sequence[Line]:
        """End it and its children; when they are gone, what it said that was not read. Again is fine."""


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

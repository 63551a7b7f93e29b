"""What the service asks of its database and of the stored series, predictions and exports."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from shared.contracts.series import Segment
from shared.contracts.versions import DatasetVersion
from shared.ports import Outbox, WorkQueue
from svc_label.domain.batches import DecidedBatch
from svc_label.domain.candidates import Candidate
from svc_label.domain.datasets import SeriesFacts
from svc_label.domain.events import LabelEvent
from svc_label.domain.exports import ApprovedClaim, Export
from svc_label.domain.picking import Pick
from svc_label.domain.progress import Progress
from svc_label.domain.queue import CandidateFilter, Standing
from svc_label.domain.reviews import Review
from svc_label.labelers.base import MadeDataset, MadeSeries, SeriesFrame, StoredDataset

SeriesKey = tuple[str, str]


class KnownSeries(Protocol):
    """The series that candidates speak of; the key of one is its (name, digest)."""

    def remember(self, facts: SeriesFacts) -> None:
        """Record a series, or the number that the registry has given it since."""

    def find(self, keys: Collection[SeriesKey]) -> Mapping[SeriesKey, SeriesFacts]:
        """Those of the series that are recorded."""


class Candidates(Protocol):
    """Candidates and the reviews that stand."""

    def add(self, candidates: Iterable[Candidate], *, origin: str = "") -> None:
        """Record those that are new; their series have to be recorded before."""

    def count(self, wanted: CandidateFilter) -> int:
        """How many match."""

    def pick(self, wanted: CandidateFilter, *, how: Pick, limit: int, seed: int) -> Sequence[Standing]:
        """Those picked among the ones that match, in the order of the pick."""

    def find(self, ids: Collection[str]) -> Mapping[str, Candidate]:
        """Candidates by id; unknown ids are left out."""

    def lock(self, ids: Collection[str]) -> Collection[str]:
        """Keep other writers from these candidates until the transaction ends; the ids that exist."""

    def lock_matching(self, wanted: CandidateFilter) -> Sequence[str]:
        """Keep other writers from the candidates that match; their ids."""

    def ids(self, wanted: CandidateFilter) -> Sequence[str]:
        """The ids of those that match."""

    def approved(self, wanted: CandidateFilter) -> Sequence[ApprovedClaim]:
        """Those among the ones that match where an approval or a correction stands."""

    def progress(self, wanted: CandidateFilter) -> Sequence[Progress]:
        """Counts of those that match, sorted by dataset, labeler and reviewer."""


class Reviews(Protocol):
    """Decisions: rows are added, never changed."""

    def find_batch(self, batch_id: str) -> DecidedBatch | None:
        """A batch that was recorded."""

    def begin(self, batch: DecidedBatch) -> bool:
        """Reserve the batch's id; False when another transaction has recorded it."""

    def record(self, batch: DecidedBatch, reviews: Sequence[Review]) -> None:
        """Record the reviews of a batch that was begun, with its counts and time; they stand from now on."""

    def judged(self, wanted: CandidateFilter) -> Sequence[Review]:
        """All reviews by people, candidate by candidate, of the candidates that match; superseded ones included."""


class Draws(Protocol):
    """Which candidates a reviewer was last shown because chance picked them: the random arm of review."""

    def seeds(self, drawn_by: str, ids: Collection[str]) -> Mapping[str, int]:
        """By candidate id, the seed it was drawn with; only those that were drawn."""

    def remember(self, drawn_by: str, ids: Collection[str], seed: int) -> None:
        """They were drawn with the seed."""

    def forget(self, drawn_by: str, ids: Collection[str]) -> None:
        """They were shown for another reason."""


class LabelTransaction(Protocol):
    """One transaction."""

    @property
    def work(self) -> WorkQueue:
        """The jobs."""

    @property
    def outbox(self) -> Outbox[LabelEvent]:
        """The events to publish."""

    @property
    def series(self) -> KnownSeries:
        """The series."""

    @property
    def candidates(self) -> Candidates:
        """The candidates."""

    @property
    def reviews(self) -> Reviews:
        """The decisions."""

    @property
    def draws(self) -> Draws:
        """The random arm."""


class LabelStore(Protocol):
    """Opens transactions."""

    def transaction(self) -> AbstractContextManager[LabelTransaction]:
        """A transaction that may write."""

    def reading(self) -> AbstractContextManager[LabelTransaction]:
        """A transaction that only reads."""


class StoredSeries(Protocol):
    """Series in the object store.

    All methods raise IntegrityError when what is stored is damaged, and UnavailableError when the store does not
    answer.
    """

    def describe(self, version: DatasetVersion) -> SeriesFacts:
        """What its manifest says; InvalidInputError when it is no series."""

    def load(self, facts: SeriesFacts) -> SeriesFrame:
        """The whole series in memory; InvalidInputError when it is too large for that."""

    def times(self, facts: SeriesFacts, rows: Collection[int]) -> Mapping[int, int]:
        """The times of some rows."""

    def store(self, name: str, made: MadeSeries, *, source: SeriesFacts) -> SeriesFacts:
        """Store a series that was made of another one: it keeps that one's kind of time."""


class StoredDatasets(Protocol):
    """Datasets of any kind in the object store; errors as those of `StoredSeries`."""

    def opened(self, version: DatasetVersion) -> AbstractContextManager[StoredDataset]:
        """The version with its verified files on the disk, for the length of the block."""

    def folder(self) -> AbstractContextManager[Path]:
        """An empty folder for the length of the block."""

    def store(self, name: str, made: MadeDataset, *, source: DatasetVersion) -> DatasetVersion:
        """Store a dataset that was made of another one."""


class StoredPredictions(Protocol):
    """Results of prediction jobs; errors as those of `StoredSeries`."""

    def segments(self, result_digest: str) -> Sequence[Segment]:
        """The segments of a result."""


class StoredExports(Protocol):
    """Exports; UnavailableError when the object store does not answer."""

    def store(self, export: Export) -> str:
        """Store an export; the digest of its manifest, the same for an equal export."""


class Lease(Protocol):
    """The lease of recorded work."""

    @property
    def must_stop(self) -> bool:
        """Whether the work shall end soon and publish nothing."""

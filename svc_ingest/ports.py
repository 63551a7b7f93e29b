"""What the service asks of its database, its disk and its readers of files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from shared.contracts.manifest import FileEntry
from shared.contracts.work import Work
from shared.ports import Outbox, WorkQueue
from svc_ingest.domain.events import IngestEvent
from svc_ingest.domain.jobs import IngestJob
from svc_ingest.domain.made import Made
from svc_ingest.domain.options import ReadOptions
from svc_ingest.domain.tables import Cells
from svc_ingest.sources.preview import Preview


class Jobs(WorkQueue, Protocol):
    """The recorded work, with jobs that never waited in the queue."""

    def keep(self, ended: Work) -> None:
        """Keep a job that has ended already; the first ending kept under an id stands."""


class IngestTransaction(Protocol):
    """One transaction."""

    @property
    def work(self) -> Jobs:
        """The jobs."""

    @property
    def outbox(self) -> Outbox[IngestEvent]:
        """The events to publish."""


class IngestStore(Protocol):
    """Opens transactions."""

    def transaction(self) -> AbstractContextManager[IngestTransaction]:
        """A transaction that may write."""

    def reading(self) -> AbstractContextManager[IngestTransaction]:
        """A transaction that only reads."""


class FileReader(Protocol):
    """Files of many formats in, the files of a dataset version out."""

    def choose(self, source: str, path: str, options: ReadOptions, parameters: Mapping[str, Any]) -> str:
        """The name of the source itself, or of the one that knows the path's ending.

        Raises:
            InvalidInputError: there is none, and the message lists what there is; or it does not take these options
                or parameters, and the message names the nearest.
        """

    def make(self, job: IngestJob, path: Path, folder: Path, must_stop: Callable[[], bool]) -> Made:
        """Write the version's files into `folder`; `path` is where the job's file lies.

        Raises:
            InvalidInputError: the file, the options or the parameters are wrong; the message says where.
            StoppedError: `must_stop` said so.
        """

    def preview(self, path: Path, *, channels: Sequence[str], start_row: int, end_row: int, buckets: int) -> Preview:
        """Buckets of a `series.parquet`; InvalidInputError names the field that is wrong."""

    @property
    def tables(self) -> Mapping[str, Sequence[str]]:
        """Kinds whose rows can be shown, each with the files that takes."""

    def cells(self, kind: str, files: Mapping[str, Path], *, start_row: int, count: int) -> Cells:
        """Rows of a dataset of one of `tables`; IntegrityError when its files do not hold what the kind says."""

    def indices(self, folder: Path) -> Path:
        """A `series.parquet` of the Nino indices of the `field/v1` whose files lie in `folder`, written there."""


class Spool(Protocol):
    """A file on its way in. Its bytes are counted and digested as they come."""

    path: Path
    size_bytes: int

    def write(self, chunk: bytes) -> None:
        """Append."""

    def close(self) -> str:
        """Finish the file; its sha256."""

    def discard(self) -> None:
        """Remove the file; again is fine."""


class Scratch(Protocol):
    """Disk space that belongs to this process and is gone after it, however it ends."""

    def folder(self) -> AbstractContextManager[Path]:
        """An empty folder, removed with all it holds at the end of the block."""

    def spool(self) -> Spool:
        """An empty file for streamed bytes."""


class SeriesCache(Protocol):
    """Series that are kept near, in bounded space."""

    def file(self, entry: FileEntry) -> AbstractContextManager[Path]:
        """The verified file, which stays for the length of the block; it is downloaded when it is not here.

        Raises:
            IntegrityError: it is missing in the object store, or damaged.
            UnavailableError: the object store does not answer.
        """

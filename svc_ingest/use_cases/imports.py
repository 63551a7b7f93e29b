"""Files of the import folder: requests are recorded, then done by a worker."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from shared.contracts.ids import check_id
from shared.contracts.work import Failure, Work
from shared.errors import InvalidInputError, NotFoundError
from svc_ingest.domain.events import DatasetProduced, IngestFailed
from svc_ingest.domain.jobs import Origin, Request, checked_job, job_from_json
from svc_ingest.domain.paths import file_in_folder
from svc_ingest.ports import FileReader, IngestStore, IngestTransaction
from svc_ingest.use_cases.make import DatasetMaker, MustStop


class Imports:
    """Records import jobs and does them.

    Args:
        store: the service's database.
        maker: makes the datasets.
        reader: knows the sources.
        folder: the import folder.
        explain: what people are told of an error.
    """

    def __init__(
        self,
        *,
        store: IngestStore,
        maker: DatasetMaker,
        reader: FileReader,
        folder: Path,
        explain: Callable[[Exception], Failure],
    ) -> None:
        self._store = store
        self._maker = maker
        self._reader = reader
        self._folder = folder
        self._explain = explain

    def record(self, job_id: str, request: Request) -> None:
        """Check a request and record it; the same request twice is one job.

        Raises:
            InvalidInputError: naming the wrong field.
            NotFoundError: the import folder has no such file.
            ConflictError: the id is used by another request.
        """
        check_id("job_id", job_id)
        job = checked_job(request, Origin.IMPORT, self._reader.choose)
        with self._store.transaction() as tx:
            # A request that comes again may do so after its file was removed.
            if not _stands(tx, job_id):
                file_in_folder(self._folder, job.path)
            tx.work.record(job_id, job.to_json())

    def take(self, job_id: str, request: Request) -> None:
        """`record` for a request on the bus, where nobody waits: a refusal is announced as well as raised."""
        check_id("job_id", job_id)
        try:
            self.record(job_id, request)
        except (InvalidInputError, NotFoundError) as error:
            self.refuse(job_id, request, error)
            raise

    def refuse(self, job_id: str, request: Request, error: InvalidInputError | NotFoundError) -> None:
        """Announce why a request on the bus is refused; InvalidInputError when its id cannot name it."""
        check_id("job_id", job_id)
        with self._store.transaction() as tx:
            if not _stands(tx, job_id):
                tx.outbox.add(IngestFailed(job_id=job_id, name=request.name, failure=self._explain(error)))

    def execute(self, work: Work, must_stop: MustStop) -> None:
        """Do a recorded job, and complete it in one transaction with the event that says so."""
        job = job_from_json(work.request)
        path = file_in_folder(self._folder, job.path)
        before = _fingerprint(path)
        with path.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        produced = self._maker.make(job, path, sha256=sha256, must_stop=must_stop)
        if _fingerprint(path) != before:
            raise InvalidInputError.of("path", f"{job.path!r} changed while it was read: ask again when it is complete")
        with self._store.transaction() as tx:
            tx.work.complete(work.id, work.attempt, produced.to_json())
            tx.outbox.add(DatasetProduced(name=job.name, kind=produced.kind, digest=produced.digest, job_id=work.id))

    def failed(self, work: Work, failure: Failure) -> IngestFailed:
        """The event for a job that failed for good."""
        return IngestFailed(job_id=work.id, name=job_from_json(work.request).name, failure=failure)


def _stands(tx: IngestTransaction, job_id: str) -> bool:
    try:
        tx.work.get(job_id)
    except NotFoundError:
        return False
    return True


def _fingerprint(path: Path) -> tuple[int, int, int]:
    facts = path.stat()
    return facts.st_ino, facts.st_size, facts.st_mtime_ns

"""Streamed files: the caller waits for the dataset, and the job is kept as it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.contracts.work import Failure, Work, WorkState
from svc_ingest.domain.events import DatasetProduced
from svc_ingest.domain.jobs import IngestJob, Origin, Produced, Request, checked_job
from svc_ingest.ports import FileReader, IngestStore, Spool
from svc_ingest.use_cases.make import DatasetMaker, MustStop


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamJob:
    """A job on a file that is being streamed, since `created_at`."""

    id: str
    job: IngestJob
    created_at: datetime


class Streams:
    """Does streamed jobs; the arguments are those of `Imports`."""

    def __init__(
        self,
        *,
        store: IngestStore,
        maker: DatasetMaker,
        reader: FileReader,
        explain: Callable[[Exception], Failure],
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._maker = maker
        self._reader = reader
        self._explain = explain
        self._new_id = new_id

    def accept(self, request: Request) -> StreamJob:
        """Check what is to be streamed; InvalidInputError names the wrong field, and there is no job then."""
        job = checked_job(request, Origin.STREAM, self._reader.choose)
        return StreamJob(id=self._new_id(), job=job, created_at=datetime.now(UTC))

    def ingest(self, stream: StreamJob, spool: Spool, must_stop: MustStop) -> Produced:
        """Make the dataset of the bytes that came, and announce it.

        Raises:
            InvalidInputError: the file or its options are wrong.
            StoppedError: `must_stop` said so.
            UnavailableError: the object store or the database does not answer.
        """
        produced = self._maker.make(stream.job, spool.path, sha256=spool.close(), must_stop=must_stop)
        with self._store.transaction() as tx:
            tx.work.keep(_ended(stream, WorkState.COMPLETED, result=produced.to_json()))
            tx.outbox.add(
                DatasetProduced(name=produced.name, kind=produced.kind, digest=produced.digest, job_id=stream.id)
            )
        return produced

    def fail(self, stream: StreamJob, error: Exception) -> None:
        """Keep a job that ended with an error. The caller hears it directly, so no event speaks of it."""
        self._keep(_ended(stream, WorkState.FAILED, failure=self._explain(error)))

    def cancel(self, stream: StreamJob) -> None:
        """Keep a job whose caller went away; one that was completed before stays completed."""
        self._keep(_ended(stream, WorkState.CANCELLED))

    def _keep(self, work: Work) -> None:
        with self._store.transaction() as tx:
            tx.work.keep(work)


def _ended(stream: StreamJob, state: WorkState, *, result: Any = None, failure: Failure | None = None) -> Work:
    return Work(
        id=stream.id,
        request=stream.job.to_json(),
        state=state,
        attempt=1,
        spent=int(failure is not None),
        excused=0,
        created_at=stream.created_at,
        finished_at=datetime.now(UTC),
        result=result or {},
        failure=failure,
    )

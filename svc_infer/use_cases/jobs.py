"""Prediction jobs: over a whole dataset, with results that others can read."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from shared.contracts.ids import check_id
from shared.contracts.interfaces import Interface
from shared.contracts.kinds import Kind
from shared.contracts.lineage import model_key
from shared.contracts.names import parse_reference
from shared.contracts.series import SERIES_FILE
from shared.contracts.versions import DatasetVersion, ModelVersion
from shared.contracts.work import Failure, Work
from shared.errors import InvalidInputError, NotFoundError, NotYetError, RetryableError
from shared.ports import ArtifactStore, Catalogue
from svc_infer.domain.chunks import chunks
from svc_infer.domain.findings import Findings
from svc_infer.domain.interfaces import wrong_call
from svc_infer.domain.jobs import InferCompleted, InferFailed, JobRequest
from svc_infer.domain.results import METRICS_FILE, SEGMENTS_FILE, metrics_file, segments_file
from svc_infer.domain.series import Series
from svc_infer.ports import InferStore, Lease, SeriesModel, SeriesReader
from svc_infer.serving.batcher import Batcher
from svc_infer.serving.names import Names
from svc_infer.serving.shelf import Shelf

ResultT = TypeVar("ResultT")
VersionT = TypeVar("VersionT", DatasetVersion, ModelVersion)
CHECK_LEASE_S = 0.5


def request_job(store: InferStore, *, job_id: str, request: JobRequest) -> str:
    """Record a job and give back its id; the same request twice is one job.

    Raises:
        InvalidInputError: the id or a reference is malformed. Where the id is fit to name it, the failure is announced.
        ConflictError: the id belongs to another request.
    """
    check_id("job_id", job_id)
    try:
        request.check()
    except InvalidInputError as error:
        refuse_job(store, error, job_id=job_id, request=request)
        raise
    with store.transaction() as tx:
        tx.work.record(job_id, request.to_json())
    return job_id


def refuse_job(store: InferStore, error: InvalidInputError, *, job_id: str, request: JobRequest) -> None:
    """Announce why a request is refused; InvalidInputError when its id cannot name it."""
    check_id("job_id", job_id)
    failure = Failure(cause="invalid_input", reason=str(error), remedy="Correct the request and send it again.")
    with store.transaction() as tx:
        try:
            tx.work.get(job_id)  # the id of another job, of which nothing failed
        except NotFoundError:
            tx.outbox.add(InferFailed(job_id=job_id, request=request, failure=failure))


def find_job(store: InferStore, job_id: str) -> Work:
    """A job; NotFoundError when there is none."""
    with store.reading() as tx:
        return tx.work.get(job_id)


def job_failed(work: Work, failure: Failure) -> InferFailed:
    """What is announced of a job that failed for good."""
    return InferFailed(job_id=work.id, request=JobRequest(**work.request), failure=failure)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRunner:
    """Does jobs.

    Args:
        store, catalogue, artifacts, reader, names, shelf, batcher: what it needs.
        folder: for datasets while they are read, and results before they are stored; a folder a job.
        chunk_values: about how many values (rows x channels) of a dataset the model sees at once.
    """

    store: InferStore
    catalogue: Catalogue
    artifacts: ArtifactStore
    reader: SeriesReader
    names: Names
    shelf: Shelf
    batcher: Batcher
    folder: Path
    chunk_values: int

    def run(self, work: Work, lease: Lease) -> None:
        """Do a job and complete it with its result and its event in one transaction.

        Raises:
            NotYetError: the dataset or the model is not known yet.
            PermanentError: it can never be done.
            RetryableError: a dependency did not answer, or the lease is to be given back.
        """
        request = JobRequest(**work.request)
        dataset = _once_known(self.catalogue.dataset, request.dataset)
        if dataset.kind != Kind.SERIES:
            raise InvalidInputError.of(
                "dataset", f"{dataset} is of the kind {dataset.kind!r}; predictions are made over {Kind.SERIES.value!r}"
            )
        version = _once_known(lambda text: self.names.resolve(parse_reference("model", text)), request.model)
        model = _awaited(self.shelf.load(version), lease)
        if not isinstance(model, SeriesModel):
            raise wrong_call(model.version, answers=model.interface, asked=Interface.SERIES)
        with _workspace(self.folder / work.id, work.attempt) as folder:
            result = self._predict(work.id, dataset, model, folder, lease)
        with self.store.transaction() as tx:
            tx.work.complete(work.id, work.attempt, result.to_json())
            tx.outbox.add(result)

    def _predict(
        self, job_id: str, dataset: DatasetVersion, model: SeriesModel, folder: Path, lease: Lease
    ) -> InferCompleted:
        started = time.monotonic()
        path = folder / SERIES_FILE
        self.artifacts.fetch_file(self.artifacts.manifest(dataset.digest).file(SERIES_FILE), path)
        findings = self._findings(path, model, lease)
        segments = findings.segments
        seconds = time.monotonic() - started
        files = {
            SEGMENTS_FILE: segments_file(dataset, model.version, segments),
            METRICS_FILE: metrics_file(findings, segment_count=len(segments), seconds=seconds),
        }
        for name, content in files.items():
            (folder / name).write_bytes(content)
        manifest = self.artifacts.store(
            kind=Kind.PREDICTION,
            files={name: folder / name for name in files},
            meta={"rows": findings.rows, "channels": findings.channels, "segment_count": len(segments)},
            parents=[dataset.key, model_key(model.version.run_id)],
        )
        return InferCompleted(
            job_id=job_id,
            dataset=dataset,
            model=model.version,
            result_digest=manifest.digest,
            segment_count=len(segments),
            finished_at=datetime.now(UTC),
        )

    def _findings(self, path: Path, model: SeriesModel, lease: Lease) -> Findings:
        findings = Findings()
        for chunk in chunks(self.reader.read(path), model.reach, values=self.chunk_values):
            rows = chunk.rows
            series = Series(id="", channels=rows.channels, values=rows.values, times=rows.times)
            [answer] = _awaited(self.batcher.submit(model, [series], of_job=True), lease)
            findings.add(chunk, answer)
        return findings


@contextmanager
def _workspace(job: Path, attempt: int) -> Iterator[Path]:
    """A folder for one attempt, gone at the end; what earlier attempts left that were killed goes as well."""
    shutil.rmtree(job, ignore_errors=True)
    folder = job / str(attempt)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        # The job's folder stays while a later attempt works in it.
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            job.rmdir()


def _once_known(find: Callable[[str], VersionT], reference: str) -> VersionT:
    try:
        return find(reference)
    except NotFoundError as error:
        raise NotYetError(str(error)) from error


def _awaited(future: Future[ResultT], lease: Lease) -> ResultT:
    """The future's result; RetryableError when the work has to end before it is there."""
    while not lease.must_stop:
        try:
            return future.result(timeout=CHECK_LEASE_S)
        except TimeoutError:
            if future.done():
                raise
    future.cancel()
    raise RetryableError("The work was asked to end")

"""Labelling jobs: requests are recorded, then done by a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shared.contracts.ids import check_id, derived_id
from shared.contracts.kinds import Kind
from shared.contracts.parameters import parse_parameters
from shared.contracts.versions import DatasetVersion
from shared.contracts.work import Failure, Work
from shared.errors import FieldViolation, InvalidInputError, NotFoundError, NotYetError, RetryableError
from shared.ports import Catalogue
from svc_label.domain.candidates import Candidate
from svc_label.domain.datasets import SeriesFacts, check_kind
from svc_label.domain.events import DatasetProduced, LabelCompleted, LabelFailed
from svc_label.domain.jobs import LabelRequest, LabelResult, output_name, request_from_json
from svc_label.domain.queue import CandidateFilter
from svc_label.domain.reviews import Decision, policy_reviewer
from svc_label.labelers.base import AnyLabeler, DatasetLabeler, Labeler, Labeling, MadeSeries
from svc_label.labelers.catalogue import labeler_named
from svc_label.ports import LabelStore, LabelTransaction, Lease, StoredSeries
from svc_label.use_cases.making import DatasetMaking
from svc_label.use_cases.recording import Ruling, begin_batch, record_reviews

TRUE_BY_CONSTRUCTION = "true by construction"


class LabelingJobs:
    """Records labelling jobs and does them.

    Args:
        store: the service's database.
        catalogue: knows the datasets.
        series: the stored series.
        making: runs the labelers that make datasets.
        labelers: by name.
        explain: what people are told of an error.
    """

    def __init__(
        self,
        *,
        store: LabelStore,
        catalogue: Catalogue,
        series: StoredSeries,
        making: DatasetMaking,
        labelers: Mapping[str, AnyLabeler],
        explain: Callable[[Exception], Failure],
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._series = series
        self._making = making
        self._labelers = labelers
        self._explain = explain

    def record(self, job_id: str, request: LabelRequest) -> None:
        """Check a request and record it; the same request twice is one job.

        Raises:
            InvalidInputError: naming the wrong field, with the nearest name where one is known.
            ConflictError: the id is used by another request.
        """
        check_id("job_id", job_id)
        labeler = self._labeler(request.labeler)
        parse_parameters(labeler.parameters, request.parameters)
        makes_dataset = isinstance(labeler, DatasetLabeler) or labeler.makes_series
        output_name(request, makes_dataset=makes_dataset)
        with self._store.transaction() as tx:
            tx.work.record(job_id, request.to_json())

    def take(self, job_id: str, request: LabelRequest) -> None:
        """`record` for a request on the bus, where nobody waits: a refusal is announced as well as raised."""
        check_id("job_id", job_id)
        try:
            self.record(job_id, request)
        except InvalidInputError as error:
            self.refuse(job_id, request, error)
            raise

    def refuse(self, job_id: str, request: LabelRequest, error: InvalidInputError) -> None:
        """Announce why a request on the bus is refused; InvalidInputError when its id cannot name it."""
        check_id("job_id", job_id)
        with self._store.transaction() as tx:
            # A bad request under the id of a good one must not say that the good one failed.
            if not _stands(tx, job_id):
                tx.outbox.add(_failed(job_id, request, self._explain(error)))

    def get(self, job_id: str) -> Work:
        """A job; NotFoundError when there is none."""
        with self._store.reading() as tx:
            return tx.work.get(job_id)

    def list(self, limit: int) -> Sequence[Work]:
        """Jobs, newest first."""
        with self._store.reading() as tx:
            return tx.work.list(limit=limit)

    def execute(self, work: Work, lease: Lease) -> None:
        """Do a recorded job, and complete it in one transaction with its candidates and events.

        Raises:
            NotYetError: the registry does not know the dataset yet.
            InvalidInputError: the labeler does not read the dataset, or the parameters do not fit it.
            StateError: another attempt has the job.
        """
        request = request_from_json(work.request)
        labeler = self._labeler(request.labeler)
        version = self._version(request.dataset)
        if isinstance(labeler, DatasetLabeler):
            self._making.execute(work, lease, labeler, version)
        else:
            self._propose(work, lease, labeler, version)

    def failed(self, work: Work, failure: Failure) -> LabelFailed:
        """The event for a job that failed for good."""
        return _failed(work.id, request_from_json(work.request), failure)

    def _propose(self, work: Work, lease: Lease, labeler: Labeler[Any], version: DatasetVersion) -> None:
        request = request_from_json(work.request)
        check_kind(version, labeler.name, (Kind.SERIES,))
        facts = self._series.describe(version)
        series = self._series.load(facts)
        if lease.must_stop:
            raise RetryableError("stopped before the labeler began")
        labeling = labeler.propose(series, parse_parameters(labeler.parameters, request.parameters))
        if labeling.made is None:
            self._complete(work, labeler.name, facts, labeling)
        else:
            self._complete_made(work, request, facts, labeling, labeling.made)

    def _labeler(self, name: str) -> AnyLabeler:
        try:
            return labeler_named(name, self._labelers)
        except NotFoundError as error:
            reason = str(error).removeprefix("labeler: ")
            raise InvalidInputError(str(error), [FieldViolation("labeler", reason)]) from error

    def _version(self, reference: str) -> DatasetVersion:
        try:
            return self._catalogue.dataset(reference)
        except NotFoundError as error:
            raise NotYetError(str(error)) from error

    def _complete(self, work: Work, labeler: str, facts: SeriesFacts, labeling: Labeling) -> None:
        with self._store.transaction() as tx:
            _add_candidates(tx, labeler, facts, labeling)
            _complete(tx, work, labeler, facts, labeling)

    def _complete_made(
        self, work: Work, request: LabelRequest, source: SeriesFacts, labeling: Labeling, made: MadeSeries
    ) -> None:
        name = output_name(request, makes_dataset=True)
        facts = self._series.store(name, made, source=source)
        with self._store.transaction() as tx:
            _add_candidates(tx, request.labeler, facts, labeling)
            _approve_new(tx, work.id, request.labeler, facts)
            tx.outbox.add(DatasetProduced(name=name, kind=Kind.SERIES, digest=facts.version.digest, producer=work.id))
            _complete(tx, work, request.labeler, facts, labeling)


def _add_candidates(tx: LabelTransaction, labeler: str, facts: SeriesFacts, labeling: Labeling) -> None:
    tx.series.remember(facts)
    tx.candidates.add(
        Candidate(
            dataset_name=facts.version.name,
            dataset_digest=facts.version.digest,
            labeler=labeler,
            segment=proposal.segment,
        )
        for proposal in labeling.proposals
    )


def _approve_new(tx: LabelTransaction, job_id: str, labeler: str, facts: SeriesFacts) -> None:
    """What is true by construction is approved, where nobody has said otherwise of an equal dataset before."""
    version = facts.version
    wanted = CandidateFilter(
        dataset_name=version.name, dataset_digest=version.digest, labeler=labeler, undecided_only=True
    )
    ids = tx.candidates.lock_matching(wanted)
    batch = begin_batch(tx, derived_id("approval", job_id), policy_reviewer(labeler), request_digest="")
    if ids and batch is not None:
        ruling = Ruling(decision=Decision.APPROVED, reason=TRUE_BY_CONSTRUCTION, in_bulk=True)
        record_reviews(tx, batch, dict.fromkeys(ids, ruling))


def _complete(tx: LabelTransaction, work: Work, labeler: str, facts: SeriesFacts, labeling: Labeling) -> None:
    count = len(labeling.proposals)
    result = LabelResult(dataset=facts.version, candidate_count=count, made=labeling.made is not None)
    tx.work.complete(work.id, work.attempt, result.to_json())
    tx.outbox.add(LabelCompleted(job_id=work.id, dataset=facts.version, labeler=labeler, candidate_count=count))


def _failed(job_id: str, request: LabelRequest, failure: Failure) -> LabelFailed:
    return LabelFailed(job_id=job_id, dataset=request.dataset, labeler=request.labeler, failure=failure)


def _stands(tx: LabelTransaction, job_id: str) -> bool:
    try:
        tx.work.get(job_id)
    except NotFoundError:
        return False
    return True

"""Jobs of labelers that make a dataset: nothing is proposed, so nothing waits for review."""

from __future__ import annotations

from typing import Any

from shared.contracts.parameters import parse_parameters
from shared.contracts.versions import DatasetVersion
from shared.contracts.work import Work
from shared.errors import RetryableError
from svc_label.domain.datasets import check_kind
from svc_label.domain.events import DatasetProduced, LabelCompleted
from svc_label.domain.jobs import LabelResult, output_name, request_from_json
from svc_label.labelers.base import DatasetLabeler
from svc_label.ports import LabelStore, Lease, StoredDatasets


class DatasetMaking:
    """Has datasets made of others.

    Args:
        store: the service's database.
        datasets: the stored datasets.
    """

    def __init__(self, *, store: LabelStore, datasets: StoredDatasets) -> None:
        self._store = store
        self._datasets = datasets

    def execute(self, work: Work, lease: Lease, labeler: DatasetLabeler[Any], version: DatasetVersion) -> None:
        """Make the dataset, and complete the job in one transaction with the events that say so.

        Raises:
            InvalidInputError: the labeler does not read this kind, or the parameters do not fit the dataset.
            RetryableError: the job has to stop.
            StateError: another attempt has the job.
        """
        check_kind(version, labeler.name, labeler.kinds)
        request = request_from_json(work.request)
        parameters = parse_parameters(labeler.parameters, request.parameters)
        with self._datasets.opened(version) as dataset, self._datasets.folder() as folder:
            made = labeler.make(dataset, parameters, folder, lambda: lease.must_stop)
            if lease.must_stop:
                raise RetryableError("stopped before the upload")
            stored = self._datasets.store(output_name(request, makes_dataset=True), made, source=version)
        self._complete(work, labeler.name, stored)

    def _complete(self, work: Work, labeler: str, made: DatasetVersion) -> None:
        with self._store.transaction() as tx:
            tx.work.complete(work.id, work.attempt, LabelResult(dataset=made, candidate_count=0, made=True).to_json())
            tx.outbox.add(DatasetProduced(name=made.name, kind=made.kind, digest=made.digest, producer=work.id))
            tx.outbox.add(LabelCompleted(job_id=work.id, dataset=made, labeler=labeler, candidate_count=0))

"""Predictions come back as candidates to review."""

from __future__ import annotations

from shared.errors import IntegrityError, InvalidInputError
from svc_label.domain.candidates import Candidate
from svc_label.domain.datasets import SeriesFacts
from svc_label.domain.predictions import Prediction
from svc_label.domain.segments import check_claim
from svc_label.ports import LabelStore, StoredPredictions, StoredSeries


def take_prediction(
    store: LabelStore, series: StoredSeries, predictions: StoredPredictions, prediction: Prediction
) -> None:
    """Make the segments of a result candidates; again changes nothing.

    Raises:
        NotFoundError: there is no such result.
        IntegrityError: the result is damaged, or does not fit its series.
        UnavailableError: the object store does not answer.
    """
    facts = series.describe(prediction.dataset)
    candidates = [
        Candidate(
            dataset_name=facts.version.name,
            dataset_digest=facts.version.digest,
            labeler=prediction.labeler,
            segment=segment,
        )
        for segment in predictions.segments(prediction.result_digest)
    ]
    _check(candidates, facts, prediction)
    with store.transaction() as tx:
        tx.series.remember(facts)
        tx.candidates.add(candidates, origin=prediction.key)


def _check(candidates: list[Candidate], facts: SeriesFacts, prediction: Prediction) -> None:
    for number, candidate in enumerate(candidates):
        try:
            check_claim(f"segments[{number}]", candidate.segment, rows=facts.rows, channels=facts.channels)
        except InvalidInputError as error:
            raise IntegrityError(f"The result of {prediction.job_id} does not fit {facts.version}: {error}") from error

"""Predictions come back as candidates to review."""

from __future__ import annotations

from shared.contracts.series import Segment
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
    segments = predictions.segments(prediction.result_digest)
    candidates = [_candidate(prediction, facts, number, segment) for number, segment in enumerate(segments)]
    with store.transaction() as tx:
        tx.series.remember(facts)
        tx.candidates.add(candidates, origin=prediction.key)


def _candidate(prediction: Prediction, facts: SeriesFacts, number: int, segment: Segment) -> Candidate:
    version = facts.version
    try:
        check_claim(f"segments[{number}]", segment, rows=facts.rows, channels=facts.channels)
        return Candidate(
            dataset_name=version.name, dataset_digest=version.digest, labeler=prediction.labeler, segment=segment
        )
    except InvalidInputError as error:
        raise IntegrityError(f"The result of {prediction.job_id} does not fit {version}: {error}") from error

"""Between rows and the values of the domain."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from shared.contracts.series import Segment
from shared.contracts.versions import DatasetVersion
from svc_label.adapters.tables import BatchRow, CandidateRow, ReviewRow, SeriesRow
from svc_label.domain.batches import DecidedBatch
from svc_label.domain.candidates import Candidate
from svc_label.domain.datasets import SeriesFacts
from svc_label.domain.picking import Pick
from svc_label.domain.queue import Standing
from svc_label.domain.reviews import Decision, Review


def candidate_values(candidate: Candidate, *, series_id: int, origin: str) -> dict[str, Any]:
    """A candidate nobody has decided on."""
    segment = candidate.segment
    return {
        "id": candidate.id,
        "series_id": series_id,
        "labeler": candidate.labeler,
        **asdict(segment),
        "origin": origin,
        "decision": "",
        "review_id": "",
    }


def candidate_of(row: CandidateRow, series: SeriesRow) -> Candidate:
    """The candidate of a row."""
    return Candidate(
        dataset_name=series.name,
        dataset_digest=series.digest,
        labeler=row.labeler,
        segment=Segment(
            start_row=row.start_row,
            end_row=row.end_row,
            start_time=row.start_time,
            end_time=row.end_time,
            channel=row.channel,
            label=row.label,
            confidence=row.confidence,
        ),
    )


def standing_of(row: CandidateRow, series: SeriesRow, review: ReviewRow | None) -> Standing:
    """A candidate and where it stands."""
    return Standing(candidate=candidate_of(row, series), review=review_of(review) if review else None)


def review_values(review: Review, batch_id: str) -> dict[str, Any]:
    """A review of a batch."""
    return {
        "id": review.id,
        "batch_id": batch_id,
        "candidate_id": review.candidate_id,
        "decision": review.decision,
        "reviewer": review.reviewer,
        "decided_at": review.decided_at,
        "reason": review.reason,
        "corrected": asdict(review.corrected) if review.corrected else {},
        "in_bulk": review.in_bulk,
        "pick": review.pick or "",
        "seed": review.seed,
    }


def review_of(row: ReviewRow) -> Review:
    """The review of a row."""
    return Review(
        id=row.id,
        candidate_id=row.candidate_id,
        decision=Decision(row.decision),
        reviewer=row.reviewer,
        decided_at=row.decided_at,
        reason=row.reason,
        corrected=Segment(**row.corrected) if row.corrected else None,
        in_bulk=row.in_bulk,
        pick=Pick(row.pick) if row.pick else None,
        seed=row.seed,
    )


def batch_of(row: BatchRow) -> DecidedBatch:
    """The batch of a row."""
    return DecidedBatch(
        id=row.id,
        reviewer=row.reviewer,
        request_digest=row.request_digest,
        decided_at=row.decided_at,
        approved_count=row.approved_count,
        rejected_count=row.rejected_count,
        corrected_count=row.corrected_count,
    )


def facts_of(row: SeriesRow) -> SeriesFacts:
    """The series of a row."""
    return SeriesFacts(
        version=DatasetVersion(name=row.name, digest=row.digest, version=row.version),
        rows=row.rows,
        channels=tuple(row.channels),
        time=row.time,
    )

"""The queue, decisions and progress."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from shared.contracts.series import Segment
from shared.contracts.versions import DatasetVersion
from shared.errors import InvalidInputError
from shared.runtime.convert import dataset_ref, segment_message, timestamp
from svc_label.domain.batches import Batch, BulkDecision, SingleDecision
from svc_label.domain.exports import Export
from svc_label.domain.picking import Pick
from svc_label.domain.progress import Progress
from svc_label.domain.queue import CandidateFilter, Standing
from svc_label.domain.reviews import Decision
from svc_label.ports import SeriesKey
from svc_label.wire.fields import inside
from upwell.common.v1 import common_pb2 as common
from upwell.label.v1 import label_service_pb2 as pb

DECISIONS = {
    pb.DECISION_APPROVED: Decision.APPROVED,
    pb.DECISION_REJECTED: Decision.REJECTED,
    pb.DECISION_CORRECTED: Decision.CORRECTED,
}
DECISION_NUMBERS = {decision: number for number, decision in DECISIONS.items()}
PICKS = {
    pb.PICK_UNSPECIFIED: Pick.TOP,
    pb.PICK_TOP: Pick.TOP,
    pb.PICK_LOWEST: Pick.LOWEST,
    pb.PICK_UNCERTAIN: Pick.UNCERTAIN,
    pb.PICK_RANDOM: Pick.RANDOM,
    pb.PICK_STRATIFIED: Pick.STRATIFIED,
}
# What SQL keeps in a column of whole numbers.
LARGEST_SEED = 2**63 - 1
Versions = Mapping[SeriesKey, DatasetVersion]


def candidate_filter(field: str, message: pb.CandidateFilter) -> CandidateFilter:
    """A filter but for its dataset, which is a reference still."""
    with inside(field):
        decision = None if message.decision == pb.DECISION_UNSPECIFIED else _decision("decision", message.decision)
        return CandidateFilter(
            labeler=message.labeler,
            min_confidence=message.min_confidence if message.HasField("min_confidence") else 0.0,
            max_confidence=message.max_confidence if message.HasField("max_confidence") else 1.0,
            decision=decision,
            undecided_only=message.undecided_only,
        )


def pick(number: pb.Pick.ValueType) -> Pick:
    """How to choose; not set means top."""
    if number not in PICKS:
        raise InvalidInputError.of("pick", f"{number} is not known; use one of {', '.join(pb.Pick.keys()[1:])}")
    return PICKS[number]


def seed(number: int) -> int:
    """A seed that can be kept."""
    if number > LARGEST_SEED:
        raise InvalidInputError.of("seed", f"{number} is too large: use 0 to {LARGEST_SEED}")
    return number


def batch(message: pb.DecideRequest) -> Batch:
    """A batch of decisions; without an id it gets a new one."""
    return Batch(
        id=message.batch_id or str(uuid.uuid4()),
        reviewer=message.reviewer,
        decisions=tuple(_single(f"decisions[{i}]", single) for i, single in enumerate(message.decisions)),
        bulk=_bulk(message.bulk) if message.HasField("bulk") else None,
    )


def _single(field: str, message: pb.CandidateDecision) -> SingleDecision:
    return SingleDecision(
        candidate_id=message.candidate_id,
        decision=_decision(f"{field}.decision", message.decision),
        corrected=_correction(message.corrected) if message.HasField("corrected") else None,
        reason=message.reason,
    )


def _correction(message: common.Segment) -> Segment:
    """Rows, channel and label; the series knows the times, and the labeler said how sure it was."""
    return Segment(
        start_row=message.start_row,
        end_row=message.end_row,
        start_time=0,
        end_time=0,
        channel=message.channel,
        label=message.label,
    )


def _bulk(message: pb.BulkDecision) -> BulkDecision:
    return BulkDecision(
        dataset=message.filter.dataset,
        wanted=candidate_filter("bulk.filter", message.filter),
        decision=_decision("bulk.decision", message.decision),
        reason=message.reason,
    )


def _decision(field: str, number: pb.Decision.ValueType) -> Decision:
    if number not in DECISIONS:
        allowed = ", ".join(pb.Decision.Name(known) for known in DECISIONS)
        raise InvalidInputError.of(field, f"say what is decided: one of {allowed}")
    return DECISIONS[number]


def candidate_message(item: Standing, versions: Versions) -> pb.Candidate:
    """A candidate and where it stands."""
    candidate, review = item.candidate, item.review
    return pb.Candidate(
        candidate_id=candidate.id,
        dataset=dataset_ref(versions[candidate.dataset_name, candidate.dataset_digest]),
        labeler=candidate.labeler,
        segment=segment_message(candidate.segment),
        decision=DECISION_NUMBERS[review.decision] if review else pb.DECISION_UNSPECIFIED,
        reviewer=review.reviewer if review else "",
        corrected=segment_message(review.corrected) if review and review.corrected else None,
    )


def progress_message(row: Progress, versions: Versions) -> pb.ProgressRow:
    """Counts for the caller."""
    return pb.ProgressRow(
        dataset=dataset_ref(versions[row.dataset_name, row.dataset_digest]),
        labeler=row.labeler,
        reviewer=row.reviewer,
        undecided_count=row.undecided_count,
        approved_count=row.approved_count,
        rejected_count=row.rejected_count,
        corrected_count=row.corrected_count,
    )


def export_message(made: DatasetVersion, export: Export) -> pb.ExportResponse:
    """What was exported."""
    quality = export.quality
    return pb.ExportResponse(
        dataset=dataset_ref(made),
        segment_count=len(export.claims),
        review_count=len(export.claims),
        quality=quality.share if quality else None,
        quality_low=quality.low if quality else None,
        quality_high=quality.high if quality else None,
        newest_review_at=timestamp(export.newest_review_at),
    )

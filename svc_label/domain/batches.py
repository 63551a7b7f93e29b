"""Batches of decisions: what a reviewer sends at once, and what was recorded of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from shared.contracts.canonical import digest_of
from shared.contracts.ids import check_id
from shared.contracts.series import Segment
from shared.errors import FieldViolation, ForbiddenError, InvalidInputError
from svc_label.domain.queue import CandidateFilter
from svc_label.domain.reviews import MAX_REASON, Decision, Review

MAX_DECISIONS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleDecision:
    """One decision; `corrected` is the right segment where, and only where, that is what is decided.

    Its rows count; an empty channel or label is the candidate's.
    """

    candidate_id: str
    decision: Decision
    corrected: Segment | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkDecision:
    """One decision for all candidates of a filter, whose dataset is named by a reference; empty means any."""

    dataset: str
    wanted: CandidateFilter
    decision: Decision
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What a reviewer sends; `reviewer` is empty when it is the caller."""

    id: str
    reviewer: str = ""
    decisions: tuple[SingleDecision, ...] = ()
    bulk: BulkDecision | None = None

    @property
    def digest(self) -> str:
        """Of all that is asked, so that another request under the same id is noticed."""
        return digest_of(asdict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedBatch:
    """A batch as it was recorded."""

    id: str
    reviewer: str
    request_digest: str
    decided_at: datetime
    approved_count: int = 0
    rejected_count: int = 0
    corrected_count: int = 0

    @property
    def decided_count(self) -> int:
        """All of them."""
        return self.approved_count + self.rejected_count + self.corrected_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks; some may speak for others."""

    name: str
    may_speak_for_others: bool


def reviewer_of(batch: Batch, caller: Caller) -> str:
    """In whose name the batch is decided; ForbiddenError when the caller may not use that name."""
    if batch.reviewer in {"", caller.name}:
        return caller.name
    if not caller.may_speak_for_others:
        raise ForbiddenError(
            f"reviewer: {caller.name!r} may not decide as {batch.reviewer!r}; only an admin may name another reviewer"
        )
    return batch.reviewer


def check_batch(batch: Batch) -> None:
    """InvalidInputError naming every wrong field of a batch."""
    check_id("batch_id", batch.id)
    if (batch.bulk is None) == (not batch.decisions):
        raise InvalidInputError.of("decisions", "give single decisions or a bulk decision, one of the two")
    if len(batch.decisions) > MAX_DECISIONS:
        raise InvalidInputError.of(
            "decisions", f"{len(batch.decisions)} are too many at once: send at most {MAX_DECISIONS}, or use bulk"
        )
    violations = [*_bulk_violations(batch.bulk), *_single_violations(batch.decisions)]
    if violations:
        raise InvalidInputError("; ".join(f"{v.field}: {v.reason}" for v in violations), violations)


def _bulk_violations(bulk: BulkDecision | None) -> Iterable[FieldViolation]:
    if bulk is None:
        return
    if bulk.decision is Decision.CORRECTED:
        yield FieldViolation("bulk.decision", "many candidates cannot share one correction: approve or reject")
    yield from _reason_violations("bulk.reason", bulk.reason)


def _single_violations(decisions: Iterable[SingleDecision]) -> Iterable[FieldViolation]:
    seen: set[str] = set()
    for number, single in enumerate(decisions):
        field = f"decisions[{number}]"
        if not single.candidate_id:
            yield FieldViolation(f"{field}.candidate_id", "is empty")
        elif single.candidate_id in seen:
            yield FieldViolation(f"{field}.candidate_id", f"{single.candidate_id} is decided twice in one batch")
        seen.add(single.candidate_id)
        if single.decision is Decision.CORRECTED and single.corrected is None:
            yield FieldViolation(f"{field}.corrected", "give the right segment")
        if single.decision is not Decision.CORRECTED and single.corrected is not None:
            yield FieldViolation(f"{field}.corrected", f"a segment is given, but the decision is {single.decision}")
        yield from _reason_violations(f"{field}.reason", single.reason)


def _reason_violations(field: str, reason: str) -> Iterable[FieldViolation]:
    if len(reason) > MAX_REASON:
        yield FieldViolation(field, f"{len(reason)} characters; at most {MAX_REASON} are allowed")


def counted(begun: DecidedBatch, at: datetime, reviews: Iterable[Review]) -> DecidedBatch:
    """The batch with its reviews counted and the time at which they were decided."""
    counts = Counter(review.decision for review in reviews)
    return replace(
        begun,
        decided_at=at,
        approved_count=counts[Decision.APPROVED],
        rejected_count=counts[Decision.REJECTED],
        corrected_count=counts[Decision.CORRECTED],
    )

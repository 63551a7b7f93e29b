"""Reviews: decisions on candidates, never overwritten, only superseded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shared.contracts.ids import derived_id
from shared.contracts.series import Segment
from shared.errors import InvalidInputError
from svc_label.domain.candidates import Candidate
from svc_label.domain.picking import Pick

POLICY = "policy:"
MAX_REVIEWER = 100
MAX_REASON = 2000


class Decision(StrEnum):
    """What a reviewer can say of a candidate; a candidate nobody has spoken of has no decision."""

    APPROVED = "approved"
    REJECTED = "rejected"
    CORRECTED = "corrected"  # right, with another segment or label


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One decision on one candidate.

    Attributes:
        id: see `review_id`.
        candidate_id: the candidate.
        decision: what was decided.
        reviewer: a person's name, or `policy:<name>`.
        decided_at: aware, UTC.
        reason: why; may be empty.
        corrected: the right segment where the decision is corrected, else None.
        in_bulk: one decision for a whole filter, so that nobody looked at this candidate by itself.
        pick: how the queue had picked the candidate; None where that is not known.
        seed: the seed of that pick, where it was random.
    """

    id: str
    candidate_id: str
    decision: Decision
    reviewer: str
    decided_at: datetime
    reason: str = ""
    corrected: Segment | None = None
    in_bulk: bool = False
    pick: Pick | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < len(self.reviewer.strip()) <= MAX_REVIEWER:
            raise InvalidInputError.of("reviewer", f"a reviewer's name has 1 to {MAX_REVIEWER} characters")
        if len(self.reason) > MAX_REASON:
            raise InvalidInputError.of("reason", f"{len(self.reason)} characters; at most {MAX_REASON} are allowed")
        if self.decided_at.utcoffset() != timedelta(0):
            raise InvalidInputError.of("decided_at", f"{self.decided_at.isoformat()} is not in UTC")
        if (self.corrected is not None) != (self.decision is Decision.CORRECTED):
            raise InvalidInputError.of("corrected", "a segment is given when, and only when, the decision is corrected")

    @property
    def is_by_policy(self) -> bool:
        """Whether a rule decided, not a person."""
        return self.reviewer.startswith(POLICY)


def review_id(batch_id: str, candidate_id: str) -> str:
    """The id of a decision: a batch sent twice makes the same reviews."""
    return derived_id("review", batch_id, candidate_id)


def policy_reviewer(name: str) -> str:
    """The reviewer's name under which a policy decides."""
    return f"{POLICY}{name}"


def standing_review(reviews: Iterable[Review]) -> Review | None:
    """The review that stands among those of one candidate, in whatever order they come: the latest.

    Reviews of the same instant are ordered by their ids, so that every reader agrees.
    """
    return max(reviews, key=_recency, default=None)


def _recency(review: Review) -> tuple[datetime, str]:
    return review.decided_at, review.id


def standing_reviews(reviews: Iterable[Review]) -> Mapping[str, Review]:
    """The review that stands by candidate id, for the reviews of many candidates in any order."""
    standing: dict[str, Review] = {}
    for review in reviews:
        before = standing.get(review.candidate_id)
        standing[review.candidate_id] = review if before is None else max(before, review, key=_recency)
    return standing


def approved_segment(candidate: Candidate, standing: Review | None) -> Segment | None:
    """What an export holds of the candidate: its claim, the corrected one, or None when it is not approved.

    A correction keeps the candidate's confidence: a person says where, not how sure the labeler was.
    """
    if standing is None or standing.decision is Decision.REJECTED:
        return None
    if standing.corrected is None:
        return candidate.segment
    return replace(standing.corrected, confidence=candidate.segment.confidence)

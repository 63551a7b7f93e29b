"""What an export holds: approved claims only, with the reviews that approved them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from shared.contracts.canonical import digest_of
from shared.contracts.lineage import reviews_key
from shared.contracts.series import Segment
from shared.contracts.versions import DatasetVersion
from svc_label.domain.candidates import Candidate
from svc_label.domain.quality import Quality
from svc_label.domain.reviews import Review, approved_segment

DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedClaim:
    """A candidate that is approved, or corrected, by the review that stands.

    `origin` is the lineage key of the prediction that proposed it; empty for a labeler's own.
    """

    candidate: Candidate
    review: Review
    origin: str = ""

    @property
    def segment(self) -> Segment:
        """The claim as approved: the corrected one where there is one."""
        segment = approved_segment(self.candidate, self.review)
        assert segment is not None, "the review approves the candidate"
        return segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A `segments/v1` dataset about one series; equal reviews give an equal export.

    Attributes:
        series: the series that the claims speak of.
        claims: in the order of `in_order`.
        quality: of all candidates among which the claims were approved; None when none was judged at random.
        reviews_digest: names the set of reviews that went in.
    """

    series: DatasetVersion
    claims: tuple[ApprovedClaim, ...]
    quality: Quality | None
    reviews_digest: str = field(init=False)

    def __post_init__(self) -> None:
        reviews = sorted([c.candidate.id, c.review.id, c.review.decision, c.review.reviewer] for c in self.claims)
        object.__setattr__(self, "reviews_digest", digest_of(reviews))

    @property
    def newest_review_at(self) -> datetime:
        """When the newest review in it was made."""
        return max(claim.review.decided_at for claim in self.claims)

    @property
    def parents(self) -> list[str]:
        """Lineage keys of what it was made from: the series, the reviews, the predictions that proposed claims."""
        origins = {claim.origin for claim in self.claims if claim.origin}
        return [self.series.key, reviews_key(self.reviews_digest), *sorted(origins)]

    def to_meta(self) -> dict[str, Any]:
        """The `meta` of the manifest, JSON values only."""
        meta: dict[str, Any] = {
            "series": [{"name": self.series.name, "digest": self.series.digest}],
            "reviews": {"digest": self.reviews_digest, "count": len(self.claims)},
            "labelers": sorted({claim.candidate.labeler for claim in self.claims}),
            "segment_count": len(self.claims),
        }
        if self.quality:
            meta["quality"] = {key: round(value, DIGITS) for key, value in asdict(self.quality).items()}
        return meta


def in_order(claims: Iterable[ApprovedClaim]) -> tuple[ApprovedClaim, ...]:
    """By place in the series, then by what is claimed: an order that depends on the claims alone."""

    def place(claim: ApprovedClaim) -> tuple[int, int, str, str, str]:
        segment = claim.segment
        return segment.start_row, segment.end_row, segment.channel, segment.label, claim.candidate.id

    return tuple(sorted(claims, key=place))

"""How good the labels are: an unbiased estimate from the random arm of review."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

from svc_label.domain.picking import Pick, random_rank
from svc_label.domain.reviews import Decision, Review, standing_reviews

LEVEL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """The share of right candidates among all that were proposed, estimated from a random sample of them.

    Attributes:
        share: right ones among those judged, approved and corrected ones being right.
        low: lower end of the interval.
        high: upper end of the interval.
        judged_count: candidates of the sample that a person judged one by one.
        right_count: of these, approved or corrected.
        corrected_count: of these, corrected: right in substance, not in place.
        undecided_count: candidates of the sample that nobody judged; the interval allows for all of them being wrong
            and for all of them being right.
    """

    share: float
    low: float
    high: float
    judged_count: int
    right_count: int
    corrected_count: int
    undecided_count: int


def estimate_quality(candidate_ids: Sequence[str], reviews: Iterable[Review]) -> Quality | None:
    """Estimate how many of these candidates are right, or None when no one was drawn at random and judged.

    What reviewers take from the top of the queue says little about the rest, so only a random sample counts. The
    random pick follows one fixed order per seed (`random_rank`); the sample is that order's beginning, down to the
    last candidate that a person judged after drawing it at random. Candidates on the way that were judged after
    another pick belong to the sample too: leaving them out would leave out the top. Decisions by policies and in bulk
    are no judgement of a candidate and count as undecided. With several seeds the one most drawn from is used.

    Args:
        candidate_ids: all candidates the estimate is about, decided or not.
        reviews: their reviews, superseded ones included, in any order.
    """
    asked = set(candidate_ids)
    personal = [r for r in reviews if r.candidate_id in asked and not r.is_by_policy and not r.in_bulk]
    draws = Counter(r.seed for r in personal if r.pick is Pick.RANDOM)
    if not draws:
        return None
    seed = min(draws, key=lambda s: (-draws[s], s))
    last = max(random_rank(seed, r.candidate_id) for r in personal if r.pick is Pick.RANDOM and r.seed == seed)
    sample = [i for i in asked if random_rank(seed, i) <= last]
    judged = standing_reviews(personal)
    decisions = Counter(judged[i].decision for i in sample if i in judged)
    right = decisions[Decision.APPROVED] + decisions[Decision.CORRECTED]
    undecided = len(sample) - decisions.total()
    return Quality(
        share=right / decisions.total(),
        low=wilson_interval(right, len(sample))[0],
        high=wilson_interval(right + undecided, len(sample))[1],
        judged_count=decisions.total(),
        right_count=right,
        corrected_count=decisions[Decision.CORRECTED],
        undecided_count=undecided,
    )


def wilson_interval(right: int, judged: int, *, level: float = LEVEL) -> tuple[float, float]:
    """The score interval of a share (Wilson 1927, JASA 22): sound for few judgements and for shares near 0 and 1."""
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share = right / judged
    spread = z * sqrt(share * (1 - share) / judged + z * z / (4 * judged * judged))
    centre = share + z * z / (2 * judged)
    scale = 1 + z * z / judged
    # At a share of 0 or 1 the interval ends there; rounding would leave it a hair beside.
    low, high = (centre - spread) / scale, (centre + spread) / scale
    return (low if right else 0.0), (high if right < judged else 1.0)

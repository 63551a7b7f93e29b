from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.series import Segment
from svc_label.domain.picking import Pick, pick
from svc_label.domain.quality import estimate_quality, wilson_interval
from svc_label.domain.reviews import Decision, Review

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
IDS = [f"c{i}" for i in range(200)]
# The surest half of the candidates is right, the other half is wrong.
CONFIDENCE = {i: 1 - n / 200 for n, i in enumerate(IDS)}


def review(candidate_id: str, *, right: bool, **changes: Any) -> Review:
    fields = {
        "id": f"{candidate_id}-{len(changes)}",
        "candidate_id": candidate_id,
        "decision": Decision.APPROVED if right else Decision.REJECTED,
        "reviewer": "ada",
        "decided_at": NOON,
        **changes,
    }
    return Review(**fields)


def is_right(candidate_id: str) -> bool:
    return CONFIDENCE[candidate_id] > 0.5


def drawn(how: Pick, limit: int, *, ids: list[str] = IDS, seed: int = 0) -> list[Review]:
    order = pick(ids, [CONFIDENCE[i] for i in ids], how=how, limit=limit, seed=seed)
    return [review(ids[i], right=is_right(ids[i]), pick=how, seed=seed) for i in order]


def test_wilson_interval_by_hand() -> None:
    # 8 of 10 at 95 %: (0.8 + 0.19207 -+ 1.95996 * sqrt(0.016 + 0.0096037)) / 1.38415
    assert wilson_interval(8, 10) == pytest.approx((0.49016, 0.94332), abs=1e-5)
    assert wilson_interval(0, 10)[0] == 0.0
    assert wilson_interval(10, 10) == pytest.approx((0.72247, 1.0), abs=1e-5)


@given(st.integers(1, 500), st.data())
def test_the_interval_holds_the_share_and_narrows_with_the_sample(judged: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, judged))
    low, high = wilson_interval(right, judged)
    assert 0 <= low <= right / judged <= high <= 1
    wider_low, wider_high = wilson_interval(right, judged, level=0.99)
    more_low, more_high = wilson_interval(10 * right, 10 * judged)
    assert wider_high - wider_low > high - low > more_high - more_low


def test_nothing_drawn_at_random_gives_no_estimate() -> None:
    assert estimate_quality(IDS, drawn(Pick.TOP, 50)) is None
    assert estimate_quality(IDS, []) is None


def test_policies_and_bulk_decisions_judge_nothing() -> None:
    policy = [review(i, right=True, reviewer="policy:inject", pick=Pick.RANDOM) for i in IDS]
    bulk = [review(i, right=True, in_bulk=True, pick=Pick.RANDOM) for i in IDS]
    assert estimate_quality(IDS, [*policy, *bulk]) is None


def test_a_random_sample_is_counted() -> None:
    reviews = drawn(Pick.RANDOM, 40)
    right = sum(r.decision is Decision.APPROVED for r in reviews)
    quality = estimate_quality(IDS, reviews)
    assert quality is not None
    assert (quality.judged_count, quality.right_count, quality.undecided_count) == (40, right, 0)
    assert quality.share == right / 40
    assert (quality.low, quality.high) == wilson_interval(right, 40)


def test_a_correction_is_right_and_is_counted_apart() -> None:
    first, *rest = drawn(Pick.RANDOM, 20)
    moved = Segment(start_row=0, end_row=1, start_time=0, end_time=0)
    corrected = review(first.candidate_id, right=True, pick=Pick.RANDOM, decision=Decision.CORRECTED, corrected=moved)
    quality = estimate_quality(IDS, [corrected, *rest])
    assert quality is not None
    assert quality.corrected_count == 1
    assert quality.right_count == 1 + sum(r.decision is Decision.APPROVED for r in rest)


def test_the_last_word_of_a_reviewer_counts() -> None:
    first, *rest = drawn(Pick.RANDOM, 20)
    changed = review(first.candidate_id, right=not is_right(first.candidate_id), decided_at=NOON + timedelta(seconds=1))
    before, after = estimate_quality(IDS, [first, *rest]), estimate_quality(IDS, [changed, first, *rest])
    assert before is not None
    assert after is not None
    assert abs(before.right_count - after.right_count) == 1
    assert after.judged_count == 20


def test_candidates_that_were_skipped_widen_the_interval() -> None:
    reviews = drawn(Pick.RANDOM, 40)
    whole = estimate_quality(IDS, reviews)
    skipped = estimate_quality(IDS, [*reviews[:10], *reviews[15:]])
    assert whole is not None
    assert skipped is not None
    assert (skipped.judged_count, skipped.undecided_count) == (35, 5)
    assert skipped.low <= whole.low
    assert skipped.high >= whole.high


def test_the_estimate_is_unbiased_although_the_surest_were_reviewed_first() -> None:
    top = drawn(Pick.TOP, 60)
    taken = {r.candidate_id for r in top}
    rest = [i for i in IDS if i not in taken]
    shares, covered = [], 0
    for seed in range(200):
        quality = estimate_quality(IDS, [*top, *drawn(Pick.RANDOM, 30, ids=rest, seed=seed)])
        assert quality is not None
        shares.append(quality.share)
        covered += quality.low <= 0.5 <= quality.high
    # Half of the candidates are right. All reviews taken together would say 0.76, the random ones alone 0.29.
    assert sum(shares) / len(shares) == pytest.approx(0.5, abs=0.02)
    assert covered >= 180


def test_other_datasets_do_not_count() -> None:
    quality = estimate_quality(IDS[:50], drawn(Pick.RANDOM, 40))
    assert quality is not None
    assert quality.judged_count + quality.undecided_count <= 50

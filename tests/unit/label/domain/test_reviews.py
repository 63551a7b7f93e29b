from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.series import Segment
from shared.errors import InvalidInputError
from svc_label.domain.candidates import Candidate
from svc_label.domain.reviews import (
    Decision,
    Review,
    approved_segment,
    policy_reviewer,
    review_id,
    standing_review,
    standing_reviews,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CLAIM = Segment(start_row=3, end_row=7, start_time=3, end_time=6, channel="a", confidence=0.25)
RIGHT = Segment(start_row=2, end_row=9, start_time=2, end_time=8, channel="a", confidence=1.0)
CANDIDATE = Candidate(dataset_name="pump", dataset_digest="d" * 64, labeler="robust", segment=CLAIM)


def review(number: int = 0, **changes: Any) -> Review:
    fields = {
        "id": f"review-{number:03}",
        "candidate_id": "c",
        "decision": Decision.APPROVED,
        "reviewer": "ada",
        "decided_at": NOON,
        **changes,
    }
    return Review(**fields)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"reviewer": " "}, "reviewer"),
        ({"reviewer": "r" * 101}, "reviewer"),
        ({"reason": "r" * 2001}, "reason"),
        ({"decided_at": NOON.replace(tzinfo=None)}, "decided_at"),
        ({"decided_at": NOON.astimezone(timezone(timedelta(hours=1)))}, "decided_at"),
        ({"corrected": RIGHT}, "corrected"),
        ({"decision": Decision.CORRECTED}, "corrected"),
    ],
)
def test_a_review_that_says_two_things_or_nothing_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        review(**changes)
    assert [v.field for v in caught.value.violations] == [field]


def test_the_latest_review_stands() -> None:
    first, second = review(1), review(2, decision=Decision.REJECTED, decided_at=NOON + timedelta(seconds=1))
    assert standing_review([second, first]) is second
    assert standing_review([]) is None


reviews = st.lists(
    st.builds(
        lambda number, seconds, candidate, decision: review(
            number, decided_at=NOON + timedelta(seconds=seconds), candidate_id=candidate, decision=decision
        ),
        st.integers(0, 999),
        st.integers(0, 3),
        st.sampled_from("cde"),
        st.sampled_from([Decision.APPROVED, Decision.REJECTED]),
    ),
    unique_by=lambda r: r.id,
    max_size=12,
)


@given(reviews, st.randoms(use_true_random=False))
def test_what_stands_does_not_depend_on_the_order_of_reading(items: list[Review], rng: Any) -> None:
    shuffled = rng.sample(items, len(items))
    standing = standing_reviews(items)
    assert standing_reviews(shuffled) == standing
    for candidate_id in {r.candidate_id for r in items}:
        assert standing[candidate_id] == standing_review(r for r in shuffled if r.candidate_id == candidate_id)
        assert all(r.decided_at <= standing[candidate_id].decided_at for r in items if r.candidate_id == candidate_id)


def test_an_export_holds_the_claim_or_its_correction() -> None:
    corrected = review(decision=Decision.CORRECTED, corrected=RIGHT)
    assert approved_segment(CANDIDATE, review()) == CLAIM
    assert approved_segment(CANDIDATE, review(decision=Decision.REJECTED)) is None
    assert approved_segment(CANDIDATE, None) is None
    exported = approved_segment(CANDIDATE, corrected)
    assert exported is not None
    assert (exported.start_row, exported.end_row, exported.confidence) == (2, 9, 0.25)


def test_a_batch_sent_twice_makes_the_same_reviews() -> None:
    assert review_id("batch", "c") == review_id("batch", "c")
    assert len({review_id("batch", "c"), review_id("batch", "d"), review_id("batch-2", "c")}) == 3


def test_a_policy_is_no_person() -> None:
    assert policy_reviewer("inject") == "policy:inject"
    assert review(reviewer=policy_reviewer("inject")).is_by_policy
    assert not review(reviewer="policy").is_by_policy

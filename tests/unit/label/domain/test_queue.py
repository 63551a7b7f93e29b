from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.series import Segment
from shared.errors import InvalidInputError
from svc_label.domain.candidates import Candidate
from svc_label.domain.picking import BINS, Pick, confidence_bin, pick
from svc_label.domain.progress import Progress, count_progress
from svc_label.domain.queue import CandidateFilter, Standing, pick_from_queue
from svc_label.domain.reviews import Decision, Review

pools = st.dictionaries(st.text("abcdef", min_size=1, max_size=5), st.floats(0, 1), max_size=40)


def standing(
    row: int, confidence: float, *, labeler: str = "robust", decision: Decision | None = None, reviewer: str = "ada"
) -> Standing:
    segment = Segment(start_row=row, end_row=row + 1, start_time=row, end_time=row, confidence=confidence)
    candidate = Candidate(dataset_name="pump", dataset_digest="d" * 64, labeler=labeler, segment=segment)
    if decision is None:
        return Standing(candidate=candidate)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    made = Review(id=f"r{row}", candidate_id=candidate.id, decision=decision, reviewer=reviewer, decided_at=at)
    return Standing(candidate=candidate, review=made)


def picked(pool: dict[str, float], how: Pick, *, limit: int = 100, seed: int = 0) -> list[str]:
    ids = list(pool)
    return [ids[i] for i in pick(ids, list(pool.values()), how=how, limit=limit, seed=seed)]


def test_the_three_picks_by_confidence() -> None:
    pool = {"a": 0.1, "b": 0.9, "c": 0.45, "d": 0.9}
    assert picked(pool, Pick.TOP) == ["b", "d", "c", "a"]
    assert picked(pool, Pick.LOWEST) == ["a", "c", "b", "d"]
    assert picked(pool, Pick.UNCERTAIN) == ["c", "a", "b", "d"]
    assert picked(pool, Pick.TOP, limit=1) == ["b"]


@given(pools, st.sampled_from(list(Pick)), st.integers(0, 9), st.integers(0, 50), st.randoms(use_true_random=False))
def test_a_pick_depends_on_the_candidates_alone(
    pool: dict[str, float], how: Pick, seed: int, limit: int, rng: Any
) -> None:
    shuffled = dict(rng.sample(list(pool.items()), len(pool)))
    chosen = picked(pool, how, limit=limit, seed=seed)
    assert picked(shuffled, how, limit=limit, seed=seed) == chosen
    assert len(set(chosen)) == len(chosen) == min(limit, len(pool))
    assert chosen == picked(pool, how, seed=seed)[:limit]


@given(pools, st.integers(0, 9))
def test_the_random_order_goes_on_when_the_first_are_decided(pool: dict[str, float], seed: int) -> None:
    order = picked(pool, Pick.RANDOM, seed=seed)
    rest = {i: c for i, c in pool.items() if i not in order[:3]}
    assert picked(rest, Pick.RANDOM, seed=seed) == order[3:]


def test_seeds_give_different_orders_and_each_place_is_fair() -> None:
    pool = {f"c{i}": i / 100 for i in range(100)}
    firsts = [picked(pool, Pick.RANDOM, limit=10, seed=seed) for seed in range(400)]
    low = sum(pool[i] < 0.5 for first in firsts for i in first)
    assert abs(low - 2000) < 5 * 30  # 4000 draws with a standard deviation just under 32


def test_bins_are_equal_and_the_last_holds_its_end() -> None:
    assert [confidence_bin(c) for c in (0.0, 0.05, 0.1, 0.55, 0.999, 1.0)] == [0, 0, 1, 5, 9, 9]


@given(pools, st.integers(0, 9), st.integers(1, 50))
def test_the_stratified_pick_takes_as_evenly_as_the_bins_allow(pool: dict[str, float], seed: int, limit: int) -> None:
    chosen = picked(pool, Pick.STRATIFIED, limit=limit, seed=seed)
    taken = [sum(confidence_bin(pool[i]) == b for i in chosen) for b in range(BINS)]
    there = [sum(confidence_bin(c) == b for c in pool.values()) for b in range(BINS)]
    fullest = max(taken)
    assert all(t == n or t >= fullest - 1 for t, n in zip(taken, there, strict=True))


def test_the_filter_narrows() -> None:
    items = [
        standing(0, 0.2),
        standing(1, 0.5, decision=Decision.APPROVED),
        standing(2, 0.8, labeler="inject"),
        standing(3, 0.8, decision=Decision.REJECTED),
    ]

    def rows(**wanted: Any) -> list[int]:
        found = pick_from_queue(items, CandidateFilter(**wanted), how=Pick.LOWEST, limit=10)
        return sorted(item.candidate.segment.start_row for item in found)

    assert rows() == [0, 1, 2, 3]
    assert rows(min_confidence=0.5) == [1, 2, 3]
    assert rows(min_confidence=0.5, max_confidence=0.5) == [1]
    assert rows(labeler="inject") == [2]
    assert rows(undecided_only=True) == [0, 2]
    assert rows(decision=Decision.REJECTED) == [3]
    assert rows(dataset_name="pump") == [0, 1, 2, 3]
    assert rows(dataset_name="other") == []
    assert rows(dataset_digest="e" * 64) == []


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"min_confidence": -0.1}, "min_confidence"),
        ({"max_confidence": float("nan")}, "max_confidence"),
        ({"min_confidence": 0.6, "max_confidence": 0.5}, "min_confidence"),
        ({"undecided_only": True, "decision": Decision.APPROVED}, "undecided_only"),
    ],
)
def test_a_filter_that_can_match_nothing_is_refused(wanted: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        CandidateFilter(**wanted)
    assert [v.field for v in caught.value.violations] == [field]


def test_progress_counts_by_dataset_labeler_and_reviewer() -> None:
    rows = count_progress(
        [
            standing(0, 0.5),
            standing(1, 0.5),
            standing(2, 0.5, decision=Decision.APPROVED),
            standing(3, 0.5, decision=Decision.REJECTED),
            standing(4, 0.5, decision=Decision.APPROVED, reviewer="bob"),
            standing(5, 0.5, labeler="inject", decision=Decision.APPROVED, reviewer="policy:inject"),
        ]
    )
    key: dict[str, Any] = {"dataset_name": "pump", "dataset_digest": "d" * 64}
    assert rows == [
        Progress(**key, labeler="inject", reviewer="policy:inject", approved_count=1),
        Progress(**key, labeler="robust", reviewer="", undecided_count=2),
        Progress(**key, labeler="robust", reviewer="ada", approved_count=1, rejected_count=1),
        Progress(**key, labeler="robust", reviewer="bob", approved_count=1),
    ]

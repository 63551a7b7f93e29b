"""Decisions: whole batches, once; who may speak; corrections; nothing half-recorded, nothing overwritten."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import select

from shared.contracts.series import Segment
from shared.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from svc_label.adapters.rows import review_of
from svc_label.adapters.tables import ReviewRow
from svc_label.domain.batches import Batch, BulkDecision, Caller, SingleDecision
from svc_label.domain.queue import CandidateFilter
from svc_label.domain.reviews import Decision, standing_reviews
from tests.use_cases.label.world import ALICE, STEP, World

APPROVED = SingleDecision(candidate_id="x", decision=Decision.APPROVED)
ADMIN = Caller(name="root", may_speak_for_others=True)


@pytest.fixture
def ids(world: World) -> list[str]:
    world.add_series("pump")
    world.label("pump", parameters={"count": 10})
    return world.ids("pump")


def correction(candidate_id: str, start: int, end: int, *, channel: str = "", label: str = "") -> SingleDecision:
    segment = Segment(start_row=start, end_row=end, start_time=0, end_time=0, channel=channel, label=label)
    return SingleDecision(candidate_id=candidate_id, decision=Decision.CORRECTED, corrected=segment)


def bulk(batch_id: str, *, dataset: str = "pump", decision: Decision = Decision.APPROVED, **wanted) -> Batch:
    return Batch(id=batch_id, bulk=BulkDecision(dataset=dataset, wanted=CandidateFilter(**wanted), decision=decision))


def all_reviews(world: World) -> list[ReviewRow]:
    with world.database.reading() as session:
        return list(session.exec(select(ReviewRow).order_by(ReviewRow.decided_at)))


def test_a_batch_is_recorded_and_announced_once(world: World, ids):
    for _ in range(2):
        batch = world.decide(
            "b-1",
            SingleDecision(candidate_id=ids[0], decision=Decision.APPROVED, reason="clear"),
            SingleDecision(candidate_id=ids[1], decision=Decision.REJECTED),
            correction(ids[2], 3, 9),
        )
        assert (batch.approved_count, batch.rejected_count, batch.corrected_count) == (1, 1, 1)
    assert len(all_reviews(world)) == 3
    [event] = world.events("review.decided")
    assert event["decidedAt"] == batch.decided_at.isoformat().replace("+00:00", "Z")
    assert {k: v for k, v in event.items() if k != "decidedAt"} == {
        "batchId": "b-1",
        "reviewer": "alice",
        "approvedCount": "1",
        "rejectedCount": "1",
        "correctedCount": "1",
    }
    standing = {item.candidate.id: item.review for item in world.listed("pump")}
    assert standing[ids[0]].reason == "clear"
    assert standing[ids[3]] is None


def test_a_batch_id_is_used_for_one_batch(world: World, ids):
    world.approve("b-1", ids[:1])
    with pytest.raises(ConflictError, match="batch_id: 'b-1'"):
        world.approve("b-1", ids[1:2])
    with pytest.raises(ConflictError, match="batch_id: 'b-1'"):
        world.decide(
            "b-1",
            SingleDecision(candidate_id=ids[0], decision=Decision.APPROVED),
            caller=Caller(name="bob", may_speak_for_others=False),
        )


def test_a_decision_is_superseded_never_overwritten(world: World, ids):
    world.approve("b-1", ids[:1])
    first = all_reviews(world)[0].model_dump()
    world.approve("b-2", ids[:1], Decision.REJECTED)
    rows = all_reviews(world)
    assert [row.decision for row in rows] == ["approved", "rejected"]
    assert rows[0].model_dump() == first
    assert world.listed("pump", decision=Decision.REJECTED)[0].review.id == rows[1].id


def test_an_unknown_candidate_spoils_the_whole_batch(world: World, ids):
    with pytest.raises(NotFoundError, match="no candidate nothing; nothing was recorded"):
        world.approve("b-1", [ids[0], "nothing", ids[1]])
    assert not all_reviews(world)
    assert not world.events("review.decided")
    # The id is free still.
    assert world.approve("b-1", ids[:2]).decided_count == 2


def test_bulk_decides_all_that_match(world: World, ids):
    world.approve("b-0", ids[:2], Decision.REJECTED)
    batch = world.reviewing.decide(bulk("b-1", undecided_only=True, min_confidence=0.5), ALICE)
    assert (batch.approved_count, batch.decided_count) == (4, 4)
    assert world.ids("pump", decision=Decision.APPROVED) == ids[2:6]
    assert {row.in_bulk for row in all_reviews(world) if row.batch_id == "b-1"} == {True}
    # Again: the same answer, though the filter matches nothing any more.
    assert world.reviewing.decide(bulk("b-1", undecided_only=True, min_confidence=0.5), ALICE) == batch
    assert len(world.events("review.decided")) == 2


def test_bulk_over_nothing_decides_nothing_and_says_nothing(world: World, ids):
    assert world.reviewing.decide(bulk("b-1", labeler="nobody"), ALICE).decided_count == 0
    assert not world.events("review.decided")


def test_bulk_names_a_dataset_that_is_not_there(world: World, ids):
    with pytest.raises(NotFoundError, match="pmup"):
        world.reviewing.decide(bulk("b-1", dataset="pmup"), ALICE)


@pytest.mark.parametrize(
    ("batch", "fields"),
    [
        (Batch(id="b"), ["decisions"]),
        (
            Batch(id="no spaces", decisions=(SingleDecision(candidate_id="x", decision=Decision.APPROVED),)),
            ["batch_id"],
        ),
        (
            Batch(
                id="b",
                decisions=(APPROVED,),
                bulk=BulkDecision(dataset="", wanted=CandidateFilter(), decision=Decision.APPROVED),
            ),
            ["decisions"],
        ),
        (bulk("b", decision=Decision.CORRECTED), ["bulk.decision"]),
        (
            Batch(
                id="b",
                decisions=(
                    SingleDecision(candidate_id="", decision=Decision.APPROVED),
                    SingleDecision(candidate_id="x", decision=Decision.CORRECTED),
                    SingleDecision(candidate_id="x", decision=Decision.APPROVED, reason="?" * 2001),
                    SingleDecision(
                        candidate_id="y",
                        decision=Decision.REJECTED,
                        corrected=Segment(start_row=0, end_row=1, start_time=0, end_time=0),
                    ),
                ),
            ),
            [
                "decisions[0].candidate_id",
                "decisions[1].corrected",
                "decisions[2].candidate_id",
                "decisions[2].reason",
                "decisions[3].corrected",
            ],
        ),
    ],
)
def test_every_wrong_field_of_a_batch_is_named(world: World, ids, batch, fields):
    with pytest.raises(InvalidInputError) as error:
        world.reviewing.decide(batch, ALICE)
    assert [violation.field for violation in error.value.violations] == fields


def test_too_many_decisions_at_once_are_refused(world: World):
    many = [SingleDecision(candidate_id=str(i), decision=Decision.APPROVED) for i in range(10_001)]
    with pytest.raises(InvalidInputError, match="10001 are too many"):
        world.decide("b", *many)


def test_a_correction_keeps_what_it_leaves_open_and_gets_its_times(world: World, ids):
    world.decide("b-1", correction(ids[1], 20, 33), correction(ids[2], 0, 1, channel="b", label="spike"))
    standing = {item.candidate.id: item for item in world.listed("pump", decision=Decision.CORRECTED)}
    kept, changed = standing[ids[1]].review.corrected, standing[ids[2]].review.corrected
    candidate = standing[ids[1]].candidate.segment
    assert (kept.start_row, kept.end_row) == (20, 33)
    assert (kept.start_time, kept.end_time) == (1000 + 20 * STEP, 1000 + 32 * STEP)
    assert (kept.channel, kept.label, kept.confidence) == (candidate.channel, candidate.label, candidate.confidence)
    assert (changed.channel, changed.label, changed.start_time, changed.end_time) == ("b", "spike", 1000, 1000)


@pytest.mark.parametrize(
    ("rows", "channel", "field"),
    [((5, 5), "", "end_row"), ((-1, 5), "", "start_row"), ((190, 201), "", "end_row"), ((0, 5), "z", "channel")],
)
def test_a_correction_outside_the_series_is_refused(world: World, ids, rows, channel, field):
    with pytest.raises(InvalidInputError) as error:
        world.decide(
            "b-1",
            SingleDecision(candidate_id=ids[0], decision=Decision.APPROVED),
            correction(ids[1], *rows, channel=channel),
        )
    assert error.value.violations[0].field == f"decisions[1].corrected.{field}"
    assert not all_reviews(world)


def test_an_unknown_candidate_cannot_be_corrected(world: World, ids):
    with pytest.raises(NotFoundError, match="nothing"):
        world.decide("b-1", correction("nothing", 1, 2))


def test_only_an_admin_speaks_for_others(world: World, ids):
    single = SingleDecision(candidate_id=ids[0], decision=Decision.APPROVED)
    for name in ("bob", "policy:mine"):
        with pytest.raises(ForbiddenError, match=f"'alice' may not decide as '{name}'"):
            world.reviewing.decide(Batch(id="b", reviewer=name, decisions=(single,)), ALICE)
        batch = world.reviewing.decide(Batch(id=f"b-{name[:3]}", reviewer=name, decisions=(single,)), ADMIN)
        assert batch.reviewer == name
    assert world.reviewing.decide(Batch(id="own", reviewer="alice", decisions=(single,)), ALICE).reviewer == "alice"


def test_a_name_that_is_too_long_is_refused(world: World, ids):
    single = SingleDecision(candidate_id=ids[0], decision=Decision.APPROVED)
    with pytest.raises(InvalidInputError, match="reviewer"):
        world.reviewing.decide(Batch(id="b", reviewer="x" * 101, decisions=(single,)), ADMIN)


def test_the_same_batch_sent_at_once_from_all_sides_is_one(world: World, ids):
    with ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(lambda _: world.approve("b-1", ids), range(8)))
    assert {batch.approved_count for batch in batches} == {10}
    assert len(all_reviews(world)) == 10
    assert len(world.events("review.decided")) == 1


def test_of_batches_at_once_the_latest_stands_on_every_candidate(world: World, ids):
    def decide(number: int) -> None:
        chosen = ids if number % 2 else list(reversed(ids))
        world.approve(f"b-{number}", chosen, Decision.APPROVED if number % 3 else Decision.REJECTED)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(decide, range(12)))
    latest = standing_reviews(review_of(row) for row in all_reviews(world))
    assert {item.candidate.id: item.review for item in world.listed("pump")} == latest

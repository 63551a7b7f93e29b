"""Progress: SQL counts as the domain does."""

from __future__ import annotations

from svc_label.domain.progress import count_progress
from svc_label.domain.reviews import Decision
from tests.use_cases.label.world import Caller, SingleDecision, World


def test_counts_per_dataset_labeler_and_reviewer(world: World):
    for name in ("pump", "fan"):
        world.add_series(name)
        world.label(name, job_id=name, parameters={"count": 9})
    world.label("pump", "doubling", job_id="doubling")
    ids = world.ids("pump")
    world.approve("b-1", ids[:3])
    world.approve("b-2", ids[2:5], Decision.REJECTED)
    bob = Caller(name="bob", may_speak_for_others=False)
    world.decide("b-3", SingleDecision(candidate_id=ids[0], decision=Decision.REJECTED), caller=bob)

    rows, versions = world.queue.progress("")
    assert rows == count_progress(world.listed())
    assert len({(row.dataset_name, row.labeler) for row in rows}) == 3
    assert {str(version) for version in versions.values()} >= {"pump@1", "fan@1"}
    of_pump, _ = world.queue.progress("pump@1")
    assert [(r.reviewer, r.undecided_count, r.approved_count, r.rejected_count) for r in of_pump] == [
        ("", 4, 0, 0),
        ("alice", 0, 1, 3),
        ("bob", 0, 0, 1),
    ]

"""Gates, forced moves, rollbacks and what served when, over SQLite."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.errors import InvalidInputError, NotFoundError, StateError
from svc_registry.domain.gates import Comparison, Condition
from svc_registry.use_cases import deleting, gates, promoting
from tests.use_cases.registry.promotion_world import F1_OF_06, PromotionWorld

BETTER = Condition(metric="f1", comparison=Comparison.BETTER_THAN_HOLDER)


@pytest.fixture
def world(tmp_path: Path) -> PromotionWorld:
    made = PromotionWorld(tmp_path)
    for number, f1 in enumerate((0.7, 0.5, 0.8), start=1):
        made.model(f"run-{number}", f1=f1)
    return made


def test_a_gate_refuses_and_the_ledger_keeps_why(world: PromotionWorld) -> None:
    world.gate(F1_OF_06, BETTER)
    world.promote(1)
    with pytest.raises(StateError, match=r"detector@2 may not have the alias 'champion' yet: f1 is 0.5: at least 0.6"):
        world.promote(2, reason="try it")
    assert world.champion() == 1
    assert world.ledger() == [("moved", 0, 1), ("refused", 1, 2)]
    with world.store.reading() as tx:
        refused = tx.ledger.page("detector", alias="champion", limit=1)[0]
    assert (refused.moved_by, refused.reason, len(refused.failed)) == ("安娜", "try it", 2)
    (event,) = world.events("promotion.refused")
    assert event["failedConditions"][0] == "f1 is 0.5: at least 0.6 is asked for"
    assert event["askedBy"] == "安娜"
    assert len(world.events("model.promoted")) == 1


def test_a_refusal_that_only_repeats_the_last_one_is_kept_once(world: PromotionWorld) -> None:
    world.gate(F1_OF_06)
    for _ in range(3):
        with pytest.raises(StateError):
            world.promote(2)
    with pytest.raises(StateError):
        world.promote(2, reason="another try")
    assert world.ledger() == [("refused", 0, 2)] * 2


def test_what_a_gate_lets_through_moves_as_ever(world: PromotionWorld) -> None:
    world.gate(F1_OF_06, BETTER)
    world.promote(1)
    assert world.promote(3).kind == "moved"
    assert world.promote(3).ledger_id == 2, "the same move twice is no second entry, and no gate is asked"
    assert world.ledger() == [("moved", 0, 1), ("moved", 1, 3)]


def test_a_gate_stands_before_its_own_alias_only(world: PromotionWorld) -> None:
    world.gate(F1_OF_06)
    assert world.promote(2, alias="challenger").kind == "moved"


def test_force_is_kept_with_what_it_overrode(world: PromotionWorld) -> None:
    world.gate(F1_OF_06)
    forced = world.promote(2, force=True)
    assert (forced.kind, forced.failed) == ("forced", ("f1 is 0.5: at least 0.6 is asked for",))
    assert world.champion() == 2
    (event,) = world.events("model.promoted")
    assert event["kind"] == "MOVE_KIND_FORCED"
    assert world.promote(3, force=True).kind == "moved", "the gate had nothing against it, so nothing was forced"


def test_a_gate_is_replaced_and_taken_away(world: PromotionWorld) -> None:
    world.gate(F1_OF_06)
    world.gate(F1_OF_06)
    world.gate(BETTER)
    world.promote(2)
    gates.delete_gate(world.store, model="detector", alias="champion", deleted_by="root")
    changes = world.events("gate.changed")
    assert [len(change["gate"].get("conditions", [])) for change in changes] == [1, 1, 0]
    with pytest.raises(NotFoundError, match="no gate before the alias 'champion'"):
        gates.delete_gate(world.store, model="detector", alias="champion", deleted_by="root")


def test_a_gate_that_makes_no_sense_is_refused(world: PromotionWorld) -> None:
    with pytest.raises(InvalidInputError, match="a gate has 1 to 32"):
        world.gate()
    with pytest.raises(InvalidInputError, match="model: 'a b'"):
        gates.set_gate(world.store, model="a b", alias="champion", conditions=[F1_OF_06], set_by="")


def test_rollbacks_walk_back_and_no_gate_is_asked(world: PromotionWorld) -> None:
    for version in (2, 1, 3):
        world.promote(version)
    world.gate(F1_OF_06)
    assert [world.roll_back("alarms").to_version, world.roll_back().to_version] == [1, 2]
    with pytest.raises(StateError, match="has named no version before"):
        world.roll_back()
    assert world.champion() == 2
    assert world.ledger()[3:] == [("rolled_back", 3, 1), ("rolled_back", 1, 2)]
    kinds = [event["kind"] for event in world.events("model.promoted")]
    assert kinds == ["MOVE_KIND_MOVED"] * 3 + ["MOVE_KIND_ROLLED_BACK"] * 2
    assert world.events("model.promoted")[3]["reason"] == "alarms"


def test_the_same_rollback_twice_is_one(world: PromotionWorld) -> None:
    for version in (2, 1, 3):
        world.promote(version)
    first = world.roll_back(from_version=3)
    assert world.roll_back(from_version=3) == first
    assert world.champion() == 1
    with pytest.raises(StateError, match="The alias 'champion' names detector@1 now, not @2: somebody moved it"):
        world.roll_back(from_version=2)
    assert world.roll_back(from_version=1).to_version == 2


def test_a_rollback_passes_over_a_deleted_version(world: PromotionWorld) -> None:
    for version in (1, 2, 3):
        world.promote(version)
    deleting.delete_model(world.store, name="detector", version=2, deleted_by="root", reason="wrong labels")
    assert world.roll_back().to_version == 1


def test_an_alias_that_never_was_cannot_be_rolled_back(world: PromotionWorld) -> None:
    with pytest.raises(NotFoundError, match="has had the alias"):
        world.roll_back()


def test_a_cleared_alias_names_nothing_until_it_is_rolled_back(world: PromotionWorld) -> None:
    world.promote(1)
    promoting.clear_alias(world.store, name="detector", alias="champion", moved_by="ben", reason="stop")
    assert world.champion() == 0
    with pytest.raises(NotFoundError, match="No version of 'detector' has the alias"):
        promoting.clear_alias(world.store, name="detector", alias="champion", moved_by="ben", reason="")
    (event,) = world.events("alias.cleared")
    assert (event["model"]["version"], event["clearedBy"], event["reason"]) == (1, "ben", "stop")
    assert (world.roll_back().from_version, world.champion()) == (0, 1)
    assert world.ledger() == [("moved", 0, 1), ("cleared", 1, 0), ("rolled_back", 0, 1)]


def test_what_served_when(world: PromotionWorld) -> None:
    before = datetime.now(UTC) - timedelta(microseconds=1)
    first, second = world.promote(1), world.promote(3)

    def serving(at: datetime) -> int:
        with world.store.reading() as tx:
            return promoting.serving(tx, name="detector", alias="champion", at=at)[0].version

    assert (serving(first.moved_at), serving(second.moved_at), serving(datetime.now(UTC))) == (1, 3, 3)
    with pytest.raises(NotFoundError, match="had the alias 'champion' at"):
        serving(before)
    with world.store.reading() as tx, pytest.raises(NotFoundError):
        promoting.serving(tx, name="nobody", alias="champion", at=before)

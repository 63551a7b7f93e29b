"""Runs that go on from a model version, or from the version that another run is to make."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from shared.contracts.lineage import model_key
from shared.contracts.versions import NO_BASE, BaseVersion, ModelVersion
from shared.contracts.work import WorkState
from shared.errors import InvalidInputError, NotYetError, PendingError, PermanentError, StateError
from svc_train.use_cases.requests import cancel_run, resume_run
from tests.use_cases.train.fakes import FakeRecipe
from tests.use_cases.train.world import REQUEST, World, failure_of

CHILD = replace(REQUEST, parent_run="run-1", stage="stage2")


def run_parent(world: World, run_id: str = "run-1") -> ModelVersion:
    """The parent's run completes, and the registry numbers its version."""
    world.execution()(world.claim(), world.lease)
    body = world.events("train.completed")[-1]
    version = ModelVersion(
        name="detector",
        version=len(world.catalogue.models) + 1,
        run_id=run_id,
        bundle_digest=body["bundleDigest"],
        base=BaseVersion(**body["base"]) if "base" in body else NO_BASE,
    )
    world.catalogue.models[str(version)] = version
    return version


def attempt(world: World) -> None:
    """An attempt of the next run; what waits is due again."""
    work = world.claim()
    try:
        world.execution()(work, world.lease)
    except NotYetError as error:
        with world.store.transaction() as tx:
            tx.work.wait(work.id, work.attempt, delay_s=0, waiting_for=str(error), is_patient=True)
        raise


def test_a_run_goes_on_from_the_version_it_names(world: World):
    seen: list[str] = []
    world.start()
    parent = run_parent(world)
    world.start(replace(REQUEST, parent="detector@1", stage="stage2"), run_id="run-2")
    script = list(world.launcher.script)

    def look() -> None:
        given = world.launcher.jobs[-1]["parent"]
        seen.extend([given["name"], given["run_id"], Path(given["dir"], "sub", "weights").read_text()])

    world.launcher.script = [look, *script]
    attempt(world)
    assert seen == ["detector@1", "run-1", "w"]
    completed = world.events("train.completed")[-1]
    assert completed["parent"] == {"name": "detector", "version": 1, "runId": "run-1"}
    manifest = world.artifacts.manifest(completed["bundleDigest"])
    assert model_key("run-1") in manifest.parents
    assert manifest.meta["parent"] == {"name": "detector@1", "run_id": "run-1"}
    assert completed["base"]["digest"] == parent.base.digest


def test_every_attempt_goes_on_from_the_same_version(world: World):
    world.start()
    run_parent(world)
    world.catalogue.models["detector"] = world.catalogue.models["detector@1"]
    world.start(replace(REQUEST, parent="detector"), run_id="run-2")
    script = list(world.launcher.script)
    world.launcher.script, world.launcher.exit_code = [], -9
    work = world.claim()
    with pytest.raises(Exception, match="SIGKILL"):
        world.execution()(work, world.lease)
    world.release(work)
    world.catalogue.models["detector"] = replace(world.catalogue.models["detector@1"], version=9, run_id="later")
    world.launcher.script, world.launcher.exit_code = script, 0
    attempt(world)
    assert world.events("train.completed")[-1]["parent"]["version"] == 1


def test_a_parent_that_is_not_registered_yet_is_waited_for(world: World):
    world.start(replace(REQUEST, parent="detector@1"))
    with pytest.raises(NotYetError, match="detector@1") as caught:
        attempt(world)
    assert failure_of(caught.value).cause == "not_found"


def test_a_parent_of_another_family_is_refused(world: World):
    world.start()
    run_parent(world)
    world.recipes["fake-lm"].parent_families = ("other",)
    world.start(replace(REQUEST, parent="detector@1"), run_id="run-2")
    with pytest.raises(InvalidInputError, match=r"of the family 'fake'.*models of the family 'other'"):
        attempt(world)


def test_a_base_that_is_not_the_parents_is_refused(world: World):
    world.start()
    run_parent(world)
    world.shelf.contents["large"] = "more weights"
    world.start(replace(REQUEST, parent="detector@1", base="large"), run_id="run-2")
    with pytest.raises(InvalidInputError, match=r"base: 'large' .* is not what detector@1 stands on: 'tiny'"):
        attempt(world)


def test_the_parents_own_base_may_be_named(world: World):
    world.start()
    run_parent(world)
    world.start(replace(REQUEST, parent="detector@1", base="tiny"), run_id="run-2")
    attempt(world)
    assert world.work("run-2").state is WorkState.COMPLETED


def test_a_stage_waits_for_the_stage_before_and_then_for_its_number(world: World):
    world.start()
    first = world.claim()
    world.start(CHILD, run_id="run-2")
    with pytest.raises(PendingError, match="the run run-1"):
        attempt(world)
    assert (world.work("run-2").waiting_since, world.work("run-2").attempt) == (None, 0)
    world.execution()(first, world.lease)
    with pytest.raises(NotYetError, match="no version of the run run-1") as caught:
        attempt(world)
    assert not isinstance(caught.value, PendingError)
    digest, base = (world.events("train.completed")[0][name] for name in ("bundleDigest", "base"))
    world.catalogue.models["detector@1"] = ModelVersion(
        name="detector", version=1, run_id="run-1", bundle_digest=digest, base=BaseVersion(**base)
    )
    attempt(world)
    assert world.events("train.completed")[-1]["parent"]["runId"] == "run-1"


def test_a_stage_whose_parent_failed_fails_with_it_and_is_queued_again_with_it(world: World):
    world.start()
    cancel_run(world.store, "run-1", cancelled_by="ann")
    world.start(CHILD, run_id="run-2")
    world.start(replace(CHILD, parent_run="run-2"), run_id="run-3")
    for _ in range(2):
        work = world.claim()
        with pytest.raises(PermanentError) as caught:
            world.execution()(work, world.lease)
        assert failure_of(caught.value).cause == "parent_failed"
        with world.store.transaction() as tx:
            tx.work.fail(work.id, work.attempt, failure_of(caught.value))
    assert [world.work(name).state for name in ("run-2", "run-3")] == [WorkState.FAILED] * 2
    resume_run(world.store, "run-1")
    assert [world.work(name).state for name in ("run-1", "run-2", "run-3")] == [WorkState.QUEUED] * 3
    assert world.work("run-2").failure is None
    resume_run(world.store, "run-1")


def test_a_stage_that_failed_by_its_own_fault_stays_failed_when_its_parent_is_resumed(world: World):
    world.start()
    world.start(CHILD, run_id="run-2")
    cancel_run(world.store, "run-2", cancelled_by="ann")
    cancel_run(world.store, "run-1", cancelled_by="ann")
    resume_run(world.store, "run-1")
    assert world.work("run-2").state is WorkState.CANCELLED


def test_a_completed_run_cannot_be_resumed(world: World):
    world.execution()(world.claimed(), world.lease)
    with pytest.raises(StateError, match="completed"):
        resume_run(world.store, "run-1")


def test_a_run_cannot_wait_for_itself(world: World):
    with pytest.raises(InvalidInputError, match="would go on from itself"):
        world.start(replace(REQUEST, parent_run="run-1"))
    world.start(replace(REQUEST, parent_run="run-2"))
    with pytest.raises(InvalidInputError, match="would go on from itself"):
        world.start(CHILD, run_id="run-2")


def test_a_cancelled_run_that_was_resumed_can_be_cancelled_again(world: World):
    world.start()
    for _ in range(2):
        cancel_run(world.store, "run-1", cancelled_by="ann")
        resume_run(world.store, "run-1")
    assert world.subjects() == ["train.cancelled"] * 2


def test_a_parent_of_another_family_may_be_what_the_recipe_wants(world: World):
    world.start()
    run_parent(world)
    world.recipes["fake-lm"] = FakeRecipe(family="other", parent_families=("fake", "other"))
    world.start(replace(REQUEST, parent="detector@1"), run_id="run-2")
    attempt(world)
    assert world.events("train.completed")[-1]["parent"]["runId"] == "run-1"


def test_a_recipe_that_goes_on_from_nothing_says_so(world: World):
    world.start()
    run_parent(world)
    world.recipes["fake-lm"] = FakeRecipe(parent_families=())
    world.start(replace(REQUEST, parent="detector@1"), run_id="run-2")
    with pytest.raises(InvalidInputError, match="the recipe 'fake-lm' goes on from no model"):
        attempt(world)


def test_a_recipe_without_a_base_makes_a_version_without_one(world: World):
    world.recipes["fake-lm"] = FakeRecipe(default_base="")
    world.start()
    version = run_parent(world)
    assert (world.launcher.jobs[-1]["base"], world.shelf.prepared) == (None, [])
    manifest = world.artifacts.manifest(version.bundle_digest)
    assert manifest.meta["base"] == {"name": "", "digest": ""}
    assert not [parent for parent in manifest.parents if parent.startswith("base/")]
    world.start(replace(REQUEST, parent="detector@1"), run_id="run-2")
    attempt(world)
    assert world.launcher.jobs[-1]["parent"]["run_id"] == "run-1"


def test_a_recipe_with_a_base_goes_on_from_a_version_without_one(world: World):
    world.recipes["fake-lm"] = FakeRecipe(default_base="")
    world.start()
    run_parent(world)
    world.recipes["fake-lm"] = FakeRecipe()
    world.start(replace(REQUEST, parent="detector@1"), run_id="run-2")
    attempt(world)
    assert world.events("train.completed")[-1]["base"]["name"] == "tiny"


def test_a_base_for_a_recipe_without_one_is_refused(world: World):
    world.recipes["fake-lm"] = FakeRecipe(default_base="")
    with pytest.raises(InvalidInputError, match="base: 'tiny': the models of the recipe 'fake-lm' stand on no base"):
        world.start(replace(REQUEST, base="tiny"))

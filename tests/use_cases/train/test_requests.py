"""A run is asked for, or cancelled."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from shared.contracts.work import WorkState
from shared.errors import ConflictError, InvalidInputError, NotFoundError, StateError
from svc_train.use_cases.requests import cancel_run, start_run, take_request
from tests.modeling.failing.recipes import install
from tests.use_cases.train.world import REQUEST, World

UNKNOWN = replace(REQUEST, recipe="no-such-recipe")


def test_a_request_is_recorded_and_waits(world: World):
    take_request(world.store, world.recipes, REQUEST, run_id="run-1")
    work = world.work()
    assert work.state is WorkState.QUEUED
    assert work.request["dataset"] == "labels@1"
    assert world.subjects() == []


def test_the_same_request_again_changes_nothing_even_when_the_run_has_ended(world: World):
    world.execution()(world.claimed(), world.lease)
    take_request(world.store, world.recipes, REQUEST, run_id="run-1")
    assert world.work().state is WorkState.COMPLETED
    assert world.subjects().count("train.failed") == 0


def test_an_id_stands_for_one_request(world: World):
    world.start()
    with pytest.raises(ConflictError, match="run-1 is already used by another request"):
        take_request(world.store, world.recipes, replace(REQUEST, model="other"), run_id="run-1")
    assert world.subjects() == []  # the run that has the id did not fail


def test_a_recorded_request_outlives_its_recipe(world: World):
    world.start()
    take_request(world.store, {}, REQUEST, run_id="run-1")
    assert world.work().state is WorkState.QUEUED


def test_a_refused_request_on_the_bus_is_announced_and_not_recorded(world: World):
    with pytest.raises(InvalidInputError, match="'no-such-recipe' is not a recipe; installed are: fake-lm"):
        take_request(world.store, world.recipes, UNKNOWN, run_id="run-1")
    (failed,) = world.events("train.failed")
    assert failed["runId"] == "run-1"
    assert failed["failure"]["cause"] == "invalid_input"
    assert "no-such-recipe" in failed["failure"]["reason"]
    with pytest.raises(NotFoundError):
        world.work()


def test_a_request_for_a_recipe_that_cannot_be_loaded_fails_with_the_module(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    brought = install(tmp_path / "brought", {"no-such-recipe": "tests.nowhere:RECIPE"})
    monkeypatch.syspath_prepend(brought)
    with pytest.raises(InvalidInputError, match="'no-such-recipe' cannot be loaded"):
        take_request(world.store, world.recipes, UNKNOWN, run_id="run-1")
    (failed,) = world.events("train.failed")
    assert failed["failure"]["cause"] == "import_error"
    assert "tests.nowhere" in failed["failure"]["remedy"]


def test_a_refused_request_over_grpc_is_not_announced(world: World):
    with pytest.raises(InvalidInputError):
        start_run(world.store, world.recipes, UNKNOWN, run_id="run-1")
    assert world.subjects() == []


def test_an_id_that_is_none_is_refused_without_an_announcement(world: World):
    with pytest.raises(InvalidInputError, match="run_id: 'a b' is not an id"):
        take_request(world.store, world.recipes, REQUEST, run_id="a b")
    assert world.subjects() == []


def test_one_error_names_recipe_parameters_and_names_at_once(world: World):
    wrong = replace(REQUEST, model="a/b", hyperparameters={"max_steps": -1.0, "max_stepz": 1.0})
    with pytest.raises(InvalidInputError) as caught:
        world.start(wrong)
    assert [violation.field for violation in caught.value.violations] == [
        "hyperparameters.max_steps",
        "hyperparameters.max_stepz",
        "model",
    ]


def test_a_very_long_wrong_request_still_fits_into_an_event(world: World):
    with pytest.raises(InvalidInputError):
        take_request(world.store, world.recipes, replace(REQUEST, recipe="x" * 200_000), run_id="run-1")
    (failed,) = world.events("train.failed")
    assert len(failed["recipe"]) + len(failed["failure"]["reason"]) <= 2000


def test_a_cancelled_run_is_announced_once(world: World):
    world.start()
    for _ in range(2):
        cancel_run(world.store, "run-1", cancelled_by="ann")
    assert world.work().state is WorkState.CANCELLED
    assert world.events("train.cancelled") == [{"runId": "run-1", "cancelledBy": "ann"}]


def test_a_run_that_ended_or_never_was_cannot_be_cancelled(world: World):
    world.execution()(world.claimed(), world.lease)
    with pytest.raises(StateError, match="completed"):
        cancel_run(world.store, "run-1", cancelled_by="ann")
    with pytest.raises(NotFoundError):
        cancel_run(world.store, "run-2", cancelled_by="ann")

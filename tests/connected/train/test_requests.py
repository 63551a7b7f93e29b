"""What becomes of a request on a real bus."""

from __future__ import annotations

import pytest

from shared.contracts.lineage import base_key
from tests.connected.train.world import World
from tests.support.servers import wait_until
from upwell.common.v1 import common_pb2 as common
from upwell.train.v1 import train_service_pb2 as pb

pytestmark = [pytest.mark.connected, pytest.mark.heavy, pytest.mark.timeout(400)]


REQUEST_ID = "first"


@pytest.fixture(scope="module")
def finished(shared_world: World) -> pb.Run:
    """A run that was asked for twice by the same JSON, and has ended."""
    for _ in range(2):
        shared_world.publish(shared_world.request(REQUEST_ID))
    return shared_world.wait_for_end(REQUEST_ID)


def test_a_bare_json_request_becomes_a_run_and_a_model_version(world: World, finished: pb.Run):
    assert finished.state == common.WORK_STATE_COMPLETED, finished.failure
    assert finished.attempt == 1
    assert finished.progress.step == finished.progress.total_steps == 4

    completed = world.the_event("train.completed", REQUEST_ID)
    assert completed["dataset"]["version"] == 1
    assert completed["dataset"]["manifestDigest"] == world.dataset.digest
    assert completed["hyperparameters"]["max_steps"] == 4
    assert "learning_rate" in completed["hyperparameters"]
    assert {"torch", "device", "seed", "python", "upwell"} <= set(completed["environment"])
    assert world.the_event("train.started", REQUEST_ID)["base"] == completed["base"]
    assert world.events("train.progress", REQUEST_ID)[-1]["step"] == "4"

    manifest = world.artifacts.manifest(finished.bundle_digest)
    assert "bundle.json" in {entry.path for entry in manifest.files}
    assert base_key(completed["base"]["digest"]) in manifest.parents
    (version,) = wait_until(lambda: world.versions_of("bump-detector"), 30)
    assert version.ref.run_id == REQUEST_ID


def test_an_event_for_a_finished_run_changes_nothing(world: World, finished: pb.Run):
    wait_until(lambda: world.versions_of("bump-detector"), 30)
    world.publish(world.request(REQUEST_ID))
    world.publish(world.request(REQUEST_ID, model="another-name"))
    assert "already used by another request" in world.letter("another-name")
    assert world.run(REQUEST_ID) == finished
    assert len(world.versions_of("bump-detector")) == 1
    assert not world.versions_of("another-name")
    assert not world.events("train.failed", REQUEST_ID)


def test_an_event_without_an_id_is_one_run_however_often_it_is_sent(world: World):
    request = world.request("", model="anonymous", dataset="not-there@1")
    for _ in range(2):
        world.publish(request, **{"ce-id": "a-client-s-own-id"})
    runs = wait_until(lambda: world.call("ListRuns", pb.ListRunsRequest(model="anonymous")).runs, 30)
    assert len(runs) == 1
    assert world.wait_for_end(runs[0].run_id).failure.cause == "not_found"


@pytest.mark.parametrize(
    ("run_id", "wrong", "reason"),
    [
        ("bad-recipe", {"recipe": "serie-lm"}, "'serie-lm' is not a recipe; did you mean 'series-lm'?"),
        ("bad-steps", {"hyperparameters": {"max_steps": -5}}, "max_steps: -5 is too small: at least 0 steps"),
        ("bad-name", {"hyperparameters": {"max_stps": 5}}, "max_stps: unknown; did you mean 'max_steps'?"),
        ("bad-base", {"base": "../../etc"}, "base: '../../etc' is not the name of a base"),
        ("bad-dataset", {"dataset": "bumps@0"}, "dataset: 'bumps@0': the version after '@' must be a number"),
    ],
)
def test_a_wrong_request_is_a_dead_letter_and_a_failed_event(world: World, run_id, wrong, reason):
    world.publish(world.request(run_id, **wrong))
    failed = world.the_event("train.failed", run_id)
    assert reason in failed["failure"]["reason"]
    assert reason in world.letter(run_id)
    assert world.run(run_id) is None


@pytest.mark.parametrize(
    ("run_id", "wrong", "reason"),
    [
        ("bad-field", b'"epochs": 3', 'no field named "epochs"'),
        (
            "bad-number",
            b'"recipe": "series-lm", "hyperparameters": {"max_steps": NaN}',
            "nan is not a whole number",
        ),
    ],
)
def test_so_is_a_body_that_is_not_as_json_or_the_contract_would_have_it(world: World, run_id, wrong, reason):
    world.publish(b'{"run_id": "%s", "model": "m", %s}' % (run_id.encode(), wrong))
    assert reason in world.the_event("train.failed", run_id)["failure"]["reason"]
    assert reason in world.letter(run_id)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"run_id": "bad-json", ', "the body is no upwell.train.v1.TrainRequested"),
        (b'{"run_id": "bad id", "recipe": "series-lm"}', "'bad id' is not an id"),
    ],
)
def test_a_request_that_cannot_be_named_is_a_dead_letter(world: World, body, reason):
    world.publish(body)
    assert reason in world.letter(body.split(b'"')[3].decode())


def test_a_dataset_of_the_wrong_kind_fails_at_once_and_an_unknown_one_after_its_patience(world: World):
    world.publish(world.request("wrong-kind", dataset="bumps-series@1"))
    world.publish(world.request("unknown-dataset", dataset="bumps@7"))
    assert world.wait_for_end("wrong-kind").failure.reason == (
        "dataset: bumps-series@1 is of the kind series/v1; the recipe 'series-lm' learns from segments/v1"
    )
    unknown = world.wait_for_end("unknown-dataset")
    assert unknown.failure.cause == "not_found"
    assert unknown.failure.reason == "There is no dataset version bumps@7: the newest is bumps@1"
    assert world.the_event("train.failed", "unknown-dataset")["failure"]["remedy"]

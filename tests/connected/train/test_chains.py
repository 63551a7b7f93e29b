"""Runs that are cancelled and go on, and runs that go on from one another."""

from __future__ import annotations

import time

import pytest

from tests.connected.train.world import ENDLESS, TINY, World
from tests.support.servers import wait_until
from upwell.common.v1 import common_pb2 as common
from upwell.train.v1 import train_service_pb2 as pb

pytestmark = [pytest.mark.connected, pytest.mark.heavy, pytest.mark.timeout(400)]


def test_a_cancelled_run_stops_within_ten_seconds_and_goes_on_where_it_stopped(world: World):
    endless = {**ENDLESS, "checkpoint_steps": 1_000_000}
    world.publish(world.request("stopped", hyperparameters=endless, model="stopped-detector"))
    world.wait_for_progress("stopped")
    child = world.child()
    asked = time.monotonic()
    world.call("CancelRun", pb.CancelRunRequest(run_id="stopped"))
    child.wait(10)
    assert time.monotonic() - asked < 10
    # Told to end, it leaves a checkpoint of the step it has just made, though none was due.
    run = wait_until(lambda: (run := world.run("stopped")) and run.HasField("checkpoint") and run, 30)
    stopped_at = run.checkpoint.step
    assert stopped_at > 0
    resumed = world.call("ResumeRun", pb.ResumeRunRequest(run_id="stopped")).run
    assert resumed.state == common.WORK_STATE_QUEUED
    again = world.wait_for_progress("stopped", attempt=2)
    assert again.progress.step > stopped_at
    world.call("CancelRun", pb.CancelRunRequest(run_id="stopped"))
    wait_until(lambda: len(world.events("train.cancelled", "stopped")) == 2, 30)


def test_stages_go_on_from_one_another_though_all_are_asked_for_at_once(world: World):
    second = world.request(
        "stage-b", model="chain-detector", stage="stage2", parent_run="stage-a", hyperparameters=TINY
    )
    first = world.request("stage-a", model="chain-detector", stage="stage1", hyperparameters=TINY)
    for request in (second, first):
        world.publish(request)
    for run_id in ("stage-a", "stage-b"):
        run = world.wait_for_end(run_id)
        assert run.state == common.WORK_STATE_COMPLETED, run.failure
    completed = [world.the_event("train.completed", run_id) for run_id in ("stage-a", "stage-b")]
    assert "parent" not in completed[0]
    assert completed[1]["parent"] == {"name": "chain-detector", "version": 1, "runId": "stage-a"}
    assert len({event["base"]["digest"] for event in completed}) == 1
    versions = wait_until(lambda: len(found := world.versions_of("chain-detector")) == 2 and found, 30)
    assert {version.ref.run_id: version.parent.run_id for version in versions} == {
        "stage-a": "",
        "stage-b": "stage-a",
    }


def test_a_stage_whose_parent_is_cancelled_fails_and_says_how_both_go_on(world: World):
    world.publish(world.request("before", hyperparameters=ENDLESS, model="never-made"))
    world.wait_for_progress("before")
    world.publish(world.request("behind", hyperparameters=TINY, model="never-made", parent_run="before"))
    wait_until(lambda: (run := world.run("behind")) and run.queue_position == 1, 30)
    world.call("CancelRun", pb.CancelRunRequest(run_id="before"))
    run = world.wait_for_end("behind")
    assert run.failure.cause == "parent_failed"
    assert "upwell runs resume before" in run.failure.remedy
    world.call("ResumeRun", pb.ResumeRunRequest(run_id="before"))
    assert world.state_of("behind") == common.WORK_STATE_QUEUED

"""Runs among processes that are stopped and killed."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest

from tests.connected.train.world import ENDLESS, TINY, World
from tests.support.servers import wait_until
from upwell.common.v1 import common_pb2 as common
from upwell.train.v1 import train_service_pb2 as pb

pytestmark = [pytest.mark.connected, pytest.mark.heavy, pytest.mark.timeout(400)]

# Long enough to be met in the middle, short enough to be waited for.
SOME_SECONDS = {**TINY, "max_steps": 120}


def test_a_run_survives_its_child_and_a_restart_and_ends_when_it_is_cancelled(world: World):
    world.publish(world.request("endless", hyperparameters=ENDLESS, model="never-made"))
    world.wait_for_progress("endless")
    world.child().kill()
    world.wait_for_progress("endless", attempt=2)

    child = world.child()
    with world.watching("endless") as watched:
        assert world.train.terminate() == 0
        ended = watched.exception(10)
    # Somebody else can tell the watcher how it goes on.
    assert isinstance(ended, grpc.RpcError)
    assert ended.code() is grpc.StatusCode.UNAVAILABLE
    assert not child.is_running()
    world.train.start()
    assert world.wait_for_progress("endless", attempt=3).state == common.WORK_STATE_RUNNING

    child = world.child()
    answer = world.call("CancelRun", pb.CancelRunRequest(run_id="endless"))
    assert answer.run.state == common.WORK_STATE_CANCELLED
    child.wait(10)
    assert world.the_event("train.cancelled", "endless")["cancelledBy"]
    assert world.state_of("endless") == common.WORK_STATE_CANCELLED
    assert not world.events("train.failed", "endless")
    assert not world.versions_of("never-made")


def test_kill_9_in_the_middle_hands_the_run_to_a_replica_which_makes_it_once(world: World):
    world.publish(world.request("killed", hyperparameters=SOME_SECONDS, model="killed-detector"))
    world.wait_for_progress("killed")
    child = world.child()
    killed = world.train
    # Before the replica starts: a quick machine would have ended the run in the seconds that takes.
    killed.kill()
    child.wait(5)
    world.train = replica = world.start_replica()
    try:
        run = world.wait_for_end("killed")
        assert run.state == common.WORK_STATE_COMPLETED, run.failure
        assert run.attempt == 2
        assert len(wait_until(lambda: world.versions_of("killed-detector"), 30)) == 1
        assert world.the_event("train.completed", "killed")["attempt"] == 2
        assert [started["attempt"] for started in world.events("train.started", "killed")] == [1, 2]
        assert not list(Path(world.servers.folder.of("svc_train")).glob("runs/*/*"))
    finally:
        world.train = killed
        killed.start()
        assert replica.terminate() == 0

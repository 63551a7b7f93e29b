"""Runs among processes that are stopped and killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.connected.train.world import ENDLESS, TINY, World
from tests.support.servers import wait_until
from upwell.common.v1 import common_pb2 as common
from upwell.train.v1 import train_service_pb2 as pb

pytestmark = [pytest.mark.connected, pytest.mark.heavy]

# Long enough to be met in the middle, short enough to be waited for.
SOME_SECONDS = {**TINY, "max_steps": 120}


def child_of(process: int) -> psutil.Process | None:
    """The training process of a service."""
    children = psutil.Process(process).children()
    return next((child for child in children if "svc_train.child" in child.cmdline()), None)


def test_a_cancelled_run_stops_at_once_and_stays_cancelled(world: World):
    world.publish(world.request("cancelled", hyperparameters=ENDLESS, model="never-made"))
    world.wait_for_progress("cancelled")
    child = child_of(world.train.process.pid)
    answer = world.call("CancelRun", pb.CancelRunRequest(run_id="cancelled"))
    assert answer.run.state == common.WORK_STATE_CANCELLED
    child.wait(10)
    assert world.the_event("train.cancelled", "cancelled")["cancelledBy"]
    assert world.run("cancelled").state == common.WORK_STATE_CANCELLED
    assert not world.versions_of("never-made")


def test_sigterm_in_the_middle_puts_the_run_back_and_a_restart_finishes_it(world: World):
    world.publish(world.request("drained", hyperparameters=SOME_SECONDS, model="drained-detector"))
    world.wait_for_progress("drained")
    child = child_of(world.train.process.pid)
    assert world.train.terminate() == 0
    assert not child.is_running()
    world.train.start()
    run = world.wait_for_end("drained")
    assert run.state == common.WORK_STATE_COMPLETED, run.failure
    assert run.attempt == 2
    assert len(wait_until(lambda: world.versions_of("drained-detector"), 10)) == 1


def test_kill_9_of_the_service_takes_the_child_along_and_the_run_is_made_once(world: World):
    world.publish(world.request("killed", hyperparameters=SOME_SECONDS, model="killed-detector"))
    world.wait_for_progress("killed")
    child = child_of(world.train.process.pid)
    world.train.kill()
    child.wait(5)
    world.train.start()
    run = world.wait_for_end("killed")
    assert run.state == common.WORK_STATE_COMPLETED, run.failure
    assert run.attempt == 2
    assert len(wait_until(lambda: world.versions_of("killed-detector"), 10)) == 1
    assert [started["attempt"] for started in world.events("train.started", "killed")] == [1, 2]
    assert world.the_event("train.completed", "killed")["attempt"] == 2
    assert not list(Path(world.servers.folder.of("svc_train")).glob("runs/*/*"))


def test_a_replica_takes_over_from_a_killed_one_and_any_replica_answers(world: World):
    world.publish(world.request("taken-over", hyperparameters=SOME_SECONDS, model="taken-over-detector"))
    world.wait_for_progress("taken-over")
    replica = world.start_replica()
    world.train.kill()
    first, world.train = world.train, replica
    try:
        run = world.wait_for_end("taken-over")
        assert run.state == common.WORK_STATE_COMPLETED, run.failure
        assert run.attempt == 2
        assert len(wait_until(lambda: world.versions_of("taken-over-detector"), 10)) == 1
    finally:
        world.train = first
        first.start()
        assert replica.terminate() == 0


def test_a_killed_child_is_another_attempt_and_the_evidence_is_kept(world: World):
    world.publish(world.request("child-killed", hyperparameters=ENDLESS))
    world.wait_for_progress("child-killed")
    os.kill(child_of(world.train.process.pid).pid, signal.SIGKILL)
    again = world.wait_for_progress("child-killed", attempt=2)
    assert again.state == common.WORK_STATE_RUNNING
    world.call("CancelRun", pb.CancelRunRequest(run_id="child-killed"))

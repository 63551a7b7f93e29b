"""What is kept of real runs: the numbers of every step, what they ran on, and how an attempt went wrong."""

from __future__ import annotations

import getpass
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.connected.train.world import TRAINS_WITHIN_S, World
from tests.support.servers import wait_until
from upwell.common.v1 import common_pb2 as common
from upwell.train.v1 import metrics_pb2 as metrics_pb
from upwell.train.v1 import train_service_pb2 as pb

pytestmark = [pytest.mark.connected, pytest.mark.heavy, pytest.mark.timeout(400)]

RUN = "recorded"


@pytest.fixture(scope="module")
def completed(shared_world: World) -> dict[str, Any]:
    """The event of a run that has ended."""
    shared_world.publish(shared_world.request(RUN, model="recorded-detector"))
    run = shared_world.wait_for_end(RUN)
    assert run.state == common.WORK_STATE_COMPLETED, run.failure
    return shared_world.the_event("train.completed", RUN)


def test_every_step_has_its_numbers(world: World, completed: dict[str, Any]):
    found = world.call("ListMetrics", metrics_pb.ListMetricsRequest(run_id=RUN))
    assert {"learning_rate", "loss", "tokens_per_s"} <= set(found.names)
    for name in ("loss", "learning_rate", "tokens_per_s"):
        steps = [one.step for one in found.metrics if one.name == name]
        assert steps == [1, 2, 3, 4], name
    evaluated = {one.name: one.value for one in found.metrics if one.step == 4}
    for name in set(evaluated) & set(completed["metrics"]):
        assert evaluated[name] == completed["metrics"][name]
    assert set(evaluated) & set(completed["metrics"])


def test_a_run_is_told_again_from_any_place(world: World, completed: dict[str, Any]):
    whole = world.story(RUN)
    assert len(whole) > 3
    assert world.story(RUN, after=whole[2].sequence) == whole[3:]


def test_what_it_ran_on_is_recorded_and_not_where(completed: dict[str, Any]):
    environment = completed["environment"]
    assert {
        "base", "cpu", "dataset", "device", "device_seconds", "devices", "dtype", "git_commit", "peak_rss_bytes",
        "platform", "python", "seed", "threads", "torch", "transformers", "upwell", "wall_seconds",
    } <= set(environment)  # fmt: skip
    assert environment["dtype"] == "float32"
    assert environment["dataset"] == completed["dataset"]["manifestDigest"]
    assert environment["base"] == completed["base"]["digest"]
    assert float(environment["device_seconds"]) > 0
    said = json.dumps(environment)
    # A short name may be part of an innocent word.
    names = {socket.gethostname(), socket.getfqdn(), getpass.getuser()} - {"localhost"}
    assert not {name for name in names if any(name == part for value in environment.values() for part in value.split())}
    assert not {name for name in names if len(name) > 4 and name in said}
    assert "/" not in said
    assert Path.cwd().name not in environment.values()


def test_an_object_store_that_is_away_is_named_and_the_run_goes_on_when_it_is_back(world: World):
    world.servers.stop_server("s3")
    try:
        world.publish(world.request("storeless", model="storeless-detector"))

        def noted() -> pb.Run | None:
            run = world.run("storeless")
            return run if run and run.last_failure.cause else None

        run = wait_until(noted, TRAINS_WITHIN_S, world.train.log_tail)
        assert run.last_failure.cause == "object_store_unavailable"
        assert "goes on by itself" in run.last_failure.remedy
        assert run.state in {common.WORK_STATE_QUEUED, common.WORK_STATE_RUNNING}
    finally:
        world.servers.start_server("s3")
    run = world.wait_for_end("storeless")
    assert run.state == common.WORK_STATE_COMPLETED, run.failure

"""Prediction jobs against real servers."""

from __future__ import annotations

import grpc
import numpy as np
import pytest

from shared.contracts.lineage import NodeType, prediction_key
from tests.connected.infer.world import World
from tests.support.servers import wait_until
from upwell.common.v1 import common_pb2 as common
from upwell.registry.v1 import lineage_service_pb2 as lineage_pb
from upwell.registry.v1 import lineage_service_pb2_grpc as lineage_grpc

# Three processes read torch before the first test begins: minutes where the cores are taken.
pytestmark = [pytest.mark.connected, pytest.mark.heavy, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def model(world: World) -> str:
    """A champion that both replicas serve."""
    world.serve("jobs", world.register("jobs", world.models.bundle("jobs-1", seed=11)))
    return "jobs"


def wave(rows: int) -> np.ndarray:
    return np.sin(np.arange(rows) / 9) + np.random.default_rng(3).normal(0, 0.1, rows)


def test_a_request_on_the_bus_becomes_results_and_lineage(world: World, model: str):
    manifest = world.store_series({"flow": wave(3000), "load": wave(3000) * 2})
    # The request may come before the registry has heard of the dataset.
    world.ask({"job_id": "job-a", "dataset": "series-a", "model": model})
    world.announce_series("series-a", manifest)
    event = world.wait_for("infer.completed", "job-a")
    assert event["dataset"] == {"name": "series-a", "version": 1, "manifestDigest": manifest.digest}
    assert event["model"] == {"name": "jobs", "version": 1, "runId": "jobs-1"}
    segments = world.result_file(event["resultDigest"], "segments.json")
    assert segments["dataset"] == {"name": "series-a", "version": 1, "digest": manifest.digest}
    assert segments["model"] == {"name": "jobs", "version": 1, "run_id": "jobs-1"}
    assert len(segments["segments"]) == int(event.get("segmentCount", 0))
    metrics = world.result_file(event["resultDigest"], "metrics.json")
    assert (metrics["rows"], metrics["channels"]) == (3000, 2)
    answer = world.hearing.predict(model, wave(3000))
    top = max(score for score in answer.answers[0].scores[0].scores)
    assert metrics["score_quantiles"]["1"] >= top - 1e-3, "the job saw what a call sees"

    job = world.looking.job("job-a")
    assert job.state == common.WORK_STATE_COMPLETED
    assert job.result.result_digest == event["resultDigest"]
    key = prediction_key("job-a")
    types = wait_until(lambda: {node.type for node in ancestors(world, key)} >= {"dataset", "model"}, 30)
    assert types
    assert NodeType.RUN in {node.type for node in ancestors(world, key)}


def ancestors(world: World, key: str) -> list[lineage_pb.LineageNode]:
    with grpc.insecure_channel(world.registry.address) as channel:
        stub = lineage_grpc.LineageServiceStub(channel)
        try:
            answer = stub.GetLineage(lineage_pb.GetLineageRequest(node=key), timeout=5, metadata=world.metadata)
        except grpc.RpcError:
            return []
    return list(answer.nodes)


def test_a_name_that_never_comes_fails_the_job_with_the_reason(world: World, model: str):
    world.ask({"job_id": "job-b", "dataset": "never", "model": model})
    event = world.wait_for("infer.failed", "job-b")
    assert event["dataset"] == "never"
    assert event["failure"]["reason"] == "There is no dataset 'never'"
    assert world.looking.job("job-b").state == common.WORK_STATE_FAILED


def test_a_malformed_request_is_a_dead_letter_and_a_failure(world: World, model: str):
    world.ask({"job_id": "job-c", "dataset": "series a", "model": model})
    event = world.wait_for("infer.failed", "job-c")
    assert "'series a' is not a name" in event["failure"]["reason"]
    world.ask({"job_id": "job-d", "dataset": "x", "model": model, "colour": "red"})
    letters = wait_until(
        lambda: [reason for body, reason in world.dead_letters("infer.requested") if b"job-d" in body], 10, every_s=0.3
    )
    assert "colour" in letters[0]
    assert [reason for body, reason in world.dead_letters("infer.requested") if b"job-c" in body]


def test_a_job_that_is_killed_in_the_middle_is_completed_once(world: World, model: str):
    world.announce_series("series-long", world.store_series({"flow": wave(60_000)}))
    world.ask({"job_id": "job-k", "dataset": "series-long", "model": model})
    wait_until(lambda: running(world, "job-k"), 20, every_s=0.05)
    for replica in world.replicas:  # whichever has it
        replica.service.kill()
    assert world.events("infer.completed", "job-k") == []
    world.start_replicas()
    world.wait_for("infer.completed", "job-k", within_s=60)
    job = world.looking.job("job-k")
    assert job.state == common.WORK_STATE_COMPLETED
    assert job.attempt >= 2
    # Asking again is the same job, and no second event comes of it.
    world.ask({"job_id": "job-k", "dataset": "series-long", "model": model})
    world.ask({"job_id": "job-l", "dataset": "never", "model": model})
    world.wait_for("infer.failed", "job-l")
    assert len(world.events("infer.completed", "job-k")) == 1
    assert world.looking.job("job-k").attempt == job.attempt


def running(world: World, job_id: str) -> bool:
    try:
        return world.looking.job(job_id).state == common.WORK_STATE_RUNNING
    except grpc.RpcError:
        return False

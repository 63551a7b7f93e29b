"""What svc_label exports, svc_registry indexes: at once, and later what an older release had left out."""

from __future__ import annotations

import sqlite3

import grpc
import pytest

from tests.connected.label.world import World, _spikes
from tests.support.servers import wait_until
from upwell.label.v1 import label_service_pb2 as pb
from upwell.registry.v1 import lineage_service_pb2 as lineage
from upwell.registry.v1 import lineage_service_pb2_grpc as lineage_grpc

pytestmark = pytest.mark.connected


def question(world: World, **subject: str) -> lineage.FindTrainedModelsResponse:
    with grpc.insecure_channel(world.registry.address) as channel:
        stub = lineage_grpc.LineageServiceStub(channel)
        request = lineage.FindTrainedModelsRequest(**subject)
        answer: lineage.FindTrainedModelsResponse = stub.FindTrainedModels(request, metadata=world._token, timeout=10)
    return answer


def test_an_export_is_indexed_and_an_older_database_catches_up(world: World):
    world.register("reviewed", world.store_series(_spikes(1000), "reviewed"))
    world.publish({"jobId": "reviewed", "dataset": "reviewed@1", "labeler": "robust", "parameters": {"window": 51}})
    world.wait_for_end("reviewed")
    approved = world.candidates("reviewed", "robust")[0].candidate_id
    decision = pb.CandidateDecision(candidate_id=approved, decision=pb.DECISION_APPROVED)
    world.call("Decide", pb.DecideRequest(decisions=[decision], reviewer="丽塔"))
    made = world.call("Export", pb.ExportRequest(dataset="reviewed@1", output="reviewed-labels")).dataset
    world.registered("reviewed-labels", made.manifest_digest)

    def is_known() -> bool:
        return question(world, reviewer="丽塔").start_count == question(world, candidate=approved).start_count == 1

    wait_until(is_known, 30, world.registry.log_tail)
    assert not any("is damaged" in unread.reason for unread in question(world, reviewer="丽塔").unread)

    world.registry.kill()
    with sqlite3.connect(world.servers.folder.of("svc_registry") / "svc_registry.db") as database:
        for table in ("review_sets", "review_set_reviewers", "review_set_candidates"):
            database.execute(f"DELETE FROM {table}")
    database.close()
    world.registry.start()
    wait_until(is_known, 30, world.registry.log_tail)

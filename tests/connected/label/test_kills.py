"""Jobs among processes that are killed, and among replicas."""

from __future__ import annotations

import pytest

from tests.connected.label.world import SLOW, World
from tests.support.servers import wait_until
from upwell.common.v1 import common_pb2 as common

pytestmark = pytest.mark.connected


def test_kill_9_in_the_middle_of_a_job_completes_it_once(world: World):
    world.publish({"jobId": "killed", "dataset": "long", **SLOW})
    world.wait_for_state("killed", common.WORK_STATE_RUNNING)
    world.label.kill()
    world.label.start()
    job = world.wait_for_end("killed")
    assert job.attempt == 2
    assert int(world.the_event("label.completed", "killed")["candidateCount"]) == job.candidate_count
    found = world.candidates("long", "subsequence-pca")
    assert len(found) == job.candidate_count


def test_two_replicas_share_the_jobs_and_do_each_once(world: World):
    replica = world.start_replica()
    try:
        ids = [f"shared-{number}" for number in range(6)]
        for number, job_id in enumerate(ids):
            parameters = {"window": 201 + 2 * number}
            world.publish({"jobId": job_id, "dataset": "long", "labeler": "robust", "parameters": parameters})
        for job_id in ids:
            assert world.wait_for_end(job_id).attempt == 1
            assert world.the_event("label.completed", job_id)
        shares = [sum(f'"work_id": "{i}"' in world.log_of(service) for i in ids) for service in (world.label, replica)]
        assert sum(shares) == len(ids), shares
        assert min(shares) > 0, shares
    finally:
        assert replica.terminate() == 0
    assert wait_until(world.label.is_ready, 30)

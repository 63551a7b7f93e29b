"""The labelling part of the loop: requests, candidates, decisions, exports, predictions that come back."""

from __future__ import annotations

import json
import time

import grpc
import pytest

from shared.contracts.kinds import Kind
from shared.contracts.lineage import reviews_key
from tests.connected.label.world import SLOW, SPIKES, World, _spikes
from tests.support.servers import wait_until
from upwell.common.v1 import common_pb2 as common
from upwell.label.v1 import events_pb2 as events
from upwell.label.v1 import label_service_pb2 as pb

pytestmark = pytest.mark.connected


def test_plain_json_becomes_candidates(world: World):
    world.publish({"jobId": "plain", "dataset": "spikes@1", "labeler": "robust", "parameters": {"window": 51}})
    job = world.wait_for_end("plain")
    completed = world.the_event("label.completed", "plain")
    assert completed["dataset"] == {"name": "spikes", "version": 1, "manifestDigest": world.spikes.digest}
    assert int(completed["candidateCount"]) == job.candidate_count
    found = world.candidates("spikes", "robust")
    best = sorted(candidate.segment.start_row for candidate in found[:3])
    assert all(abs(start - spike) <= 3 for start, spike in zip(best, SPIKES, strict=True)), found


def test_the_same_event_twice_is_one_job(world: World):
    body = json.dumps({"dataset": "spikes", "labeler": "robust"}).encode()
    for message_id in ("one", "two"):
        world.publish_raw(body, {"ce-id": "the-same-event", "Nats-Msg-Id": message_id})
    listed = wait_until(lambda: world.jobs_of("spikes"), 30)
    assert len(listed) == 1
    world.wait_for_end(listed[0].job_id)
    assert len(world.jobs_of("spikes")) == 1


def test_injected_labels_become_a_training_set_with_its_ancestry(world: World):
    parameters = {"rows": 4000, "seed": 1}
    world.publish({"jobId": "inject", "dataset": "spikes", "labeler": "inject", "parameters": parameters})
    job = world.wait_for_end("inject")
    made = world.registered("spikes-inject", job.output.manifest_digest)
    assert made.version == 1
    assert world.artifacts.manifest(made.digest).meta["pieces"][0][0] == 0

    found = world.candidates("spikes-inject")
    assert len(found) == job.candidate_count > 0
    assert {(c.decision, c.reviewer, c.dataset.version) for c in found} == {(pb.DECISION_APPROVED, "policy:inject", 1)}

    exported = world.call("Export", pb.ExportRequest(dataset="spikes-inject@1"))
    again = world.call("Export", pb.ExportRequest(dataset="spikes-inject"))
    assert exported.dataset == again.dataset
    assert exported.segment_count == len(found)
    labels = world.registered("spikes-inject-labels", exported.dataset.manifest_digest)
    assert (labels.version, labels.kind) == (1, Kind.SEGMENTS)
    manifest = world.artifacts.manifest(labels.digest)
    ancestors = world.ancestors(labels.key)
    assert set(ancestors) == {
        labels.key,
        reviews_key(manifest.meta["reviews"]["digest"]),
        made.key,
        world.spikes.key,
        "source/file:spikes.csv",
    }
    assert ancestors[made.key] == "spikes-inject@1"


def test_predictions_come_back_as_candidates(world: World, tmp_path):
    segment = {"start_row": 98, "end_row": 103, "start_time": 98, "end_time": 102, "channel": "level"}
    result = {"segments": [{**segment, "label": "anomaly", "confidence": 0.9}]}
    (tmp_path / "segments.json").write_text(json.dumps(result))
    manifest = world.artifacts.store(
        kind=Kind.PREDICTION, files={"segments.json": tmp_path / "segments.json"}, meta={}, parents=["model/run-1"]
    )
    body = {
        "jobId": "prediction-1",
        "dataset": {"name": "spikes", "version": 1, "manifestDigest": world.spikes.digest},
        "model": {"name": "spike-detector", "version": 2, "runId": "run-1"},
        "resultDigest": manifest.digest,
        "segmentCount": 1,
    }
    world.publish(body, "infer.completed", user="svc_infer")
    [candidate] = wait_until(lambda: world.candidates("spikes", "model:spike-detector@2"), 30, world.label.log_tail)
    assert (candidate.segment.start_row, candidate.segment.confidence) == (98, 0.9)

    single = pb.CandidateDecision(candidate_id=candidate.candidate_id, decision=pb.DECISION_APPROVED)
    world.call("Decide", pb.DecideRequest(decisions=[single]))
    request = pb.ExportRequest(dataset="spikes", labeler="model:spike-detector@2", output="taught")
    exported = world.call("Export", request)
    labels = world.registered("taught", exported.dataset.manifest_digest)
    assert "prediction/prediction-1" in world.ancestors(labels.key)


def test_a_dataset_that_comes_later_is_waited_for(world: World):
    world.publish({"jobId": "early", "dataset": "late", "labeler": "robust"})
    world.wait_for_state("early", common.WORK_STATE_QUEUED)
    digest = world.store_series(_spikes(900), "late")
    time.sleep(1.5)  # long enough to have looked for it in vain
    assert world.job("early").state in {common.WORK_STATE_QUEUED, common.WORK_STATE_RUNNING}
    world.register("late", digest)
    job = world.wait_for_end("early")
    # Waiting for a name is no attempt.
    assert job.attempt == 1
    assert world.candidates("late@1")


def test_a_dataset_that_never_comes_fails_with_its_name(world: World):
    world.publish({"jobId": "never", "dataset": "nowhere", "labeler": "robust"})
    job = world.wait_for_state("never", common.WORK_STATE_FAILED)
    assert "nowhere" in job.failure.reason
    assert "nowhere" in world.the_event("label.failed", "never")["failure"]["reason"]


@pytest.mark.parametrize(
    ("job_id", "body", "reason"),
    [
        ("bad-labeler", {"dataset": "spikes", "labeler": "robst"}, "did you mean 'robust'?"),
        ("bad-value", {"dataset": "spikes", "labeler": "robust", "parameters": {"window": 1}}, "parameters.window"),
        ("bad-kind", {"dataset": "spikes", "labeler": "robust", "wat": 1}, "wat"),
    ],
)
def test_a_wrong_request_is_a_dead_letter_that_says_why(world: World, job_id, body, reason):
    world.publish({"jobId": job_id, **body})

    def letters() -> list[str]:
        return [why for why, dead in world.dead_letters("label.requested") if job_id.encode() in dead]

    [why] = wait_until(letters, 30)
    assert reason in why
    assert world.job(job_id) is None
    if job_id != "bad-kind":  # what cannot be parsed cannot be named
        assert reason in world.the_event("label.failed", job_id)["failure"]["reason"]


def test_the_wrong_kind_of_dataset_fails_the_job(world: World):
    # The training set of another test, or of this one when it runs alone.
    digest = world.artifacts.store(kind=Kind.SEGMENTS, files={}, meta={}, parents=[]).digest
    body = {"name": "only-labels", "kind": Kind.SEGMENTS, "manifestDigest": digest}
    world.publish(body, "dataset.produced", user="svc_label")
    world.registered("only-labels", digest)
    world.publish({"jobId": "kind", "dataset": "only-labels", "labeler": "robust"})
    job = world.wait_for_state("kind", common.WORK_STATE_FAILED)
    assert "only-labels@1 is segments/v1" in job.failure.reason
    assert job.attempt == 1


def test_health_and_reads_answer_while_a_labeler_works(world: World):
    request = events.LabelRequested(job_id="busy", dataset="long", labeler=SLOW["labeler"])
    request.parameters.update(SLOW["parameters"])
    world.call("StartLabeling", pb.StartLabelingRequest(request=request))
    world.wait_for_state("busy", common.WORK_STATE_RUNNING)
    answered = 0
    while world.job("busy").state == common.WORK_STATE_RUNNING:
        assert world.label.is_ready()
        world.call("GetProgress", pb.GetProgressRequest())
        answered += 1
    assert answered > 3
    world.wait_for_end("busy")


def test_strangers_are_refused(world: World):
    with grpc.insecure_channel(world.label.address) as channel:
        call = channel.unary_unary("/upwell.label.v1.LabelService/ListLabelers")
        with pytest.raises(grpc.RpcError) as error:
            call(b"", timeout=5)
    assert error.value.code() is grpc.StatusCode.UNAUTHENTICATED

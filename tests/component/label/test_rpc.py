"""LabelService over gRPC: roles, the whole way of a candidate, bad input field by field."""

from __future__ import annotations

import grpc
import pytest
from google.protobuf import json_format

from shared.runtime.worker import Lease
from tests.component.label.serving import Served
from upwell.common.v1 import common_pb2 as common
from upwell.label.v1 import events_pb2 as events
from upwell.label.v1 import label_service_pb2 as pb

INVALID = grpc.StatusCode.INVALID_ARGUMENT


def request(**changed) -> pb.StartLabelingRequest:
    body = {"dataset": "pump", "labeler": "stripes", **changed}
    return pb.StartLabelingRequest(request=json_format.ParseDict(body, events.LabelRequested()))


def approve(*ids: str, **changed) -> pb.DecideRequest:
    singles = [pb.CandidateDecision(candidate_id=i, decision=pb.DECISION_APPROVED) for i in ids]
    return pb.DecideRequest(decisions=singles, **changed)


async def labelled(served: Served, **parameters) -> list[pb.Candidate]:
    """Candidates of a series that was labelled through the service."""
    world = served.world
    world.add_series("pump")
    await served.call("StartLabeling", request(parameters=parameters))
    work = world.claim()
    world.jobs.execute(work, Lease(work))
    listed = await served.call("ListCandidates", pb.ListCandidatesRequest(filter=pb.CandidateFilter(dataset="pump")))
    return list(listed.candidates)


@pytest.mark.parametrize(
    ("method", "body"),
    [("StartLabeling", request()), ("Decide", approve("x")), ("Export", pb.ExportRequest(dataset="pump"))],
)
async def test_viewers_change_nothing(served: Served, method, body):
    refused = await served.refused(method, body, as_="vera")
    assert refused.code is grpc.StatusCode.PERMISSION_DENIED
    assert "needs reviewer" in refused.message


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("ListLabelers", pb.ListLabelersRequest()),
        ("ListJobs", pb.ListJobsRequest()),
        ("ListCandidates", pb.ListCandidatesRequest()),
        ("GetProgress", pb.GetProgressRequest()),
    ],
)
async def test_viewers_read_and_strangers_do_not(served: Served, method, body):
    await served.call(method, body, as_="vera")
    assert (await served.refused(method, body, as_="")).code is grpc.StatusCode.UNAUTHENTICATED


async def test_labelers_are_listed_with_their_defaults(served: Served):
    answer = await served.call("ListLabelers", pb.ListLabelersRequest())
    assert [(labeler.name, labeler.summary) for labeler in answer.labelers] == [
        ("doubling", "Makes a series."),
        ("stripes", "Proposes stripes."),
    ]
    assert json_format.MessageToDict(answer.labelers[1].parameters) == {"count": 4.0, "width": 5.0, "seed": 0.0}


async def test_from_request_to_export(served: Served):
    candidates = await labelled(served, count=3)
    assert len(candidates) == 3
    first = candidates[0]
    assert (first.dataset.name, first.dataset.version, first.labeler) == ("pump", 1, "stripes")
    assert (first.segment.end_row, first.segment.confidence, first.decision) == (5, 1.0, pb.DECISION_UNSPECIFIED)

    right = common.Segment(start_row=7, end_row=9)
    corrected = pb.CandidateDecision(
        candidate_id=candidates[1].candidate_id, decision=pb.DECISION_CORRECTED, corrected=right, reason="late"
    )
    decided = await served.call("Decide", pb.DecideRequest(batch_id="b-1", decisions=[corrected]))
    assert (decided.batch_id, decided.decided_count) == ("b-1", 1)
    bulk = pb.BulkDecision(filter=pb.CandidateFilter(undecided_only=True), decision=pb.DECISION_APPROVED)
    assert (await served.call("Decide", pb.DecideRequest(bulk=bulk))).decided_count == 2

    wanted = pb.CandidateFilter(decision=pb.DECISION_CORRECTED)
    listed = await served.call("ListCandidates", pb.ListCandidatesRequest(filter=wanted))
    assert listed.total_count == 1
    shown = listed.candidates[0]
    assert (shown.reviewer, shown.corrected.start_row, shown.corrected.start_time) == ("rita", 7, 1070)
    assert shown.corrected.label == shown.segment.label

    progress = await served.call("GetProgress", pb.GetProgressRequest(dataset="pump@1"))
    [row] = progress.rows
    assert (row.reviewer, row.approved_count, row.corrected_count, row.undecided_count) == ("rita", 2, 1, 0)

    made = await served.call("Export", pb.ExportRequest(dataset="pump", output="pump-truth"))
    assert (made.dataset.name, made.segment_count, made.review_count) == ("pump-truth", 3, 3)
    assert not made.HasField("quality")
    assert made.newest_review_at.ToDatetime().year >= 2024

    job = (await served.call("ListJobs", pb.ListJobsRequest())).jobs[0]
    assert (job.state, job.candidate_count, job.attempt, job.labeler) == (
        common.WORK_STATE_COMPLETED,
        3,
        1,
        "stripes",
    )
    assert (await served.call("GetJob", pb.GetJobRequest(job_id=job.job_id))).job == job


async def test_the_random_arm_reaches_the_export(served: Served):
    await labelled(served, count=8)
    random = pb.ListCandidatesRequest(filter=pb.CandidateFilter(dataset="pump"), pick=pb.PICK_RANDOM, limit=4, seed=1)
    drawn = (await served.call("ListCandidates", random)).candidates
    await served.call("Decide", approve(*(candidate.candidate_id for candidate in drawn)))
    made = await served.call("Export", pb.ExportRequest(dataset="pump"))
    assert made.quality == 1.0
    assert 0 < made.quality_low < 1.0 == made.quality_high


async def test_a_job_that_makes_a_dataset_shows_it(served: Served):
    served.world.add_series("pump")
    started = await served.call("StartLabeling", request(labeler="doubling", job_id="mine"))
    work = served.world.claim()
    served.world.jobs.execute(work, Lease(work))
    job = (await served.call("GetJob", pb.GetJobRequest(job_id=started.job_id))).job
    assert (job.output.name, job.output.version, len(job.output.manifest_digest)) == ("pump-doubling", 0, 64)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"labeler": "strips"}, "request.labeler"),
        ({"parameters": {"width": 0}}, "request.parameters.width"),
        ({"dataset": ""}, "request.dataset"),
        ({"job_id": "no spaces"}, "request.job_id"),
        ({"output": "more"}, "request.output"),
    ],
)
async def test_a_wrong_request_names_its_field(served: Served, changed, field):
    refused = await served.refused("StartLabeling", request(**changed))
    assert (refused.code, refused.fields) == (INVALID, (field,))
    # The caller has the answer, so the bus hears nothing.
    assert not served.world.events("label.failed")


async def test_a_parameter_that_is_no_number_is_told_by_field(served: Served):
    wrong = request()
    wrong.request.parameters.update({"width": float("nan")})
    refused = await served.refused("StartLabeling", wrong)
    assert (refused.code, refused.fields) == (INVALID, ("request.parameters.width",))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (pb.ListCandidatesRequest(limit=1001), "limit"),
        (pb.ListCandidatesRequest(seed=2**63), "seed"),
        (pb.ListCandidatesRequest(pick=17), "pick"),
        (pb.ListCandidatesRequest(filter=pb.CandidateFilter(min_confidence=1.5)), "filter.min_confidence"),
        (pb.ListCandidatesRequest(filter=pb.CandidateFilter(max_confidence=float("nan"))), "filter.max_confidence"),
        (
            pb.ListCandidatesRequest(filter=pb.CandidateFilter(min_confidence=0.9, max_confidence=0.1)),
            "filter.min_confidence",
        ),
        (
            pb.ListCandidatesRequest(filter=pb.CandidateFilter(undecided_only=True, decision=pb.DECISION_APPROVED)),
            "filter.undecided_only",
        ),
        (pb.ListCandidatesRequest(filter=pb.CandidateFilter(decision=9)), "filter.decision"),
    ],
)
async def test_a_wrong_question_names_its_field(served: Served, body, field):
    refused = await served.refused("ListCandidates", body)
    assert (refused.code, refused.fields) == (INVALID, (field,))


async def test_a_page_is_bounded(served: Served):
    assert (await served.refused("ListJobs", pb.ListJobsRequest(page_size=1001))).fields == ("page_size",)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (pb.DecideRequest(), "decisions"),
        (approve("x", batch_id="no spaces"), "batch_id"),
        (pb.DecideRequest(decisions=[pb.CandidateDecision(candidate_id="x")]), "decisions[0].decision"),
        (approve("x", "x"), "decisions[1].candidate_id"),
        (
            pb.DecideRequest(decisions=[pb.CandidateDecision(candidate_id="x", decision=pb.DECISION_CORRECTED)]),
            "decisions[0].corrected",
        ),
        (pb.DecideRequest(bulk=pb.BulkDecision()), "bulk.decision"),
        (
            pb.DecideRequest(bulk=pb.BulkDecision(decision=pb.DECISION_CORRECTED)),
            "bulk.decision",
        ),
        (
            pb.DecideRequest(
                bulk=pb.BulkDecision(decision=pb.DECISION_APPROVED, filter=pb.CandidateFilter(min_confidence=2.0))
            ),
            "bulk.filter.min_confidence",
        ),
    ],
)
async def test_a_wrong_batch_names_its_field(served: Served, body, field):
    refused = await served.refused("Decide", body)
    assert (refused.code, refused.fields) == (INVALID, (field,))


async def test_what_is_not_there_is_named(served: Served):
    missing = [
        ("GetJob", pb.GetJobRequest(job_id="nothing"), "nothing"),
        ("ListCandidates", pb.ListCandidatesRequest(filter=pb.CandidateFilter(dataset="pmup")), "pmup"),
        ("Decide", approve("nothing"), "nothing"),
        ("GetProgress", pb.GetProgressRequest(dataset="pmup@3"), "pmup@3"),
        ("Export", pb.ExportRequest(dataset="pmup"), "pmup"),
    ]
    for method, body, name in missing:
        refused = await served.refused(method, body)
        assert refused.code is grpc.StatusCode.NOT_FOUND, method
        assert name in refused.message


async def test_nothing_approved_is_a_state_not_an_argument(served: Served):
    await labelled(served)
    refused = await served.refused("Export", pb.ExportRequest(dataset="pump"))
    assert refused.code is grpc.StatusCode.FAILED_PRECONDITION


async def test_the_same_id_for_something_else_is_refused(served: Served):
    candidates = await labelled(served)
    await served.call("Decide", approve(candidates[0].candidate_id, batch_id="b-1"))
    refused = await served.refused("Decide", approve(candidates[1].candidate_id, batch_id="b-1"))
    assert refused.code is grpc.StatusCode.ALREADY_EXISTS


async def test_the_reviewer_is_who_holds_the_token(served: Served):
    ids = [candidate.candidate_id for candidate in await labelled(served)]
    for reviewer in ("bob", "policy:mine"):
        refused = await served.refused("Decide", approve(ids[0], reviewer=reviewer))
        assert refused.code is grpc.StatusCode.PERMISSION_DENIED
    await served.call("Decide", approve(ids[0]))
    await served.call("Decide", approve(ids[1], reviewer="bob"), as_="root")
    await served.call("Decide", approve(ids[2], reviewer="policy:mine"), as_="svc_train")
    wanted = pb.CandidateFilter(decision=pb.DECISION_APPROVED)
    listed = await served.call("ListCandidates", pb.ListCandidatesRequest(filter=wanted))
    assert {c.candidate_id: c.reviewer for c in listed.candidates} == {
        ids[0]: "rita",
        ids[1]: "bob",
        ids[2]: "policy:mine",
    }

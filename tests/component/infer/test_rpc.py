"""InferService over real gRPC in this process, with models that are fakes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import grpc
import pytest
import pytest_asyncio
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from shared.errors import IntegrityError, UnavailableError
from tests.component.infer.server import QUEUE, Client, Server, refused
from tests.unit.infer.fakes import version
from upwell.common.v1 import common_pb2 as common
from upwell.infer.v1 import events_pb2 as events
from upwell.infer.v1 import infer_service_pb2 as pb
from upwell.infer.v1 import text_pb2


@pytest_asyncio.fixture
async def server(tmp_path) -> AsyncIterator[Server]:
    made = Server(tmp_path)
    await made.grpc.start()
    yield made
    await made.stop()


@pytest_asyncio.fixture
async def client(server) -> AsyncIterator[Client]:
    made = Client(server)
    yield made
    await made.channel.close()


async def until(condition) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def test_the_answer_says_what_was_found_and_who_spoke(client):
    answer = await client.predict(values=[0, 9, 8, 0], include_scores=True)
    assert answer.model == common.ModelRef(name="pump", version=1, run_id="pump-run-1")
    [one] = answer.answers
    assert (one.id, one.text) == ("s", "pump@1 saw 1")
    [segment] = one.segments
    assert (segment.start_row, segment.end_row, segment.start_time, segment.end_time) == (1, 3, 1, 2)
    assert (segment.channel, segment.label) == ("flow", "anomaly")
    assert segment.confidence == pytest.approx(0.9)
    [scores] = one.scores
    assert scores.channel == "flow"
    assert list(scores.scores) == pytest.approx([0, 0.9, 0.8, 0])


async def test_scores_come_only_where_they_are_asked_for_and_times_are_the_callers(client):
    series = [
        pb.Series(id="a", channels=[pb.Channel(values=[0, 9])], times=[100, 250]),
        pb.Series(id="b", channels=[pb.Channel(values=[0.0])]),
    ]
    answer = await client.predict(series=series)
    assert [one.id for one in answer.answers] == ["a", "b"]
    assert not answer.answers[0].scores
    assert answer.answers[0].segments[0].start_time == 250
    assert not answer.answers[1].segments


@pytest.mark.parametrize("name", ["pump", "pump:champion", "pump@1"])
async def test_a_version_has_three_kinds_of_name(client, server, name):
    server.catalogue.is_down = True
    assert (await client.predict(name)).model.version == 1


async def test_a_version_that_is_not_loaded_is_loaded_for_whoever_asks_first(client, server):
    answers = await asyncio.gather(*(client.predict("pump@2") for _ in range(3)))
    assert [answer.model.version for answer in answers] == [2, 2, 2]
    assert server.loader.loads == ["pump@1", "pump@2"]
    server.catalogue.is_down = True
    assert (await client.predict("pump@2")).model.version == 2


async def test_an_alias_that_was_not_heard_of_is_asked_of_the_registry(client, server):
    server.catalogue.promote(version(2), "challenger")
    assert (await client.predict("pump:challenger")).model.version == 2


async def test_a_model_that_loads_too_long_costs_its_callers_their_deadline_only(client, server):
    server.loader.gate.clear()
    error = await refused(client.predict("pump@2", timeout=0.3))
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert (await client.statuses())["pump@2"].state == pb.MODEL_STATE_LOADING
    assert (await client.predict()).model.version == 1, "others are served meanwhile"
    server.loader.gate.set()
    assert (await client.predict("pump@2")).model.version == 2


@pytest.mark.parametrize("name", ["valve", "pump@9", "pump:archived"])
async def test_an_unknown_model_is_not_found(client, name):
    error = await refused(client.predict(name))
    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert repr(name) in error.details()


async def test_a_registry_that_is_down_is_told_apart_from_an_unknown_model(client, server):
    server.catalogue.is_down = True
    error = await refused(client.predict("valve"))
    assert error.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_refused_version_is_told_with_the_reason(client, server):
    server.loader.errors["pump-run-2"] = IntegrityError("model.safetensors is damaged")
    error = await refused(client.predict("pump@2"))
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert error.details() == "pump@2 was refused and is not served: model.safetensors is damaged"
    status = (await client.statuses())["pump@2"]
    assert status.state == pb.MODEL_STATE_FAILED
    assert status.failure.cause == "integrity"
    assert status.failure.reason == "model.safetensors is damaged"


async def test_an_object_store_that_is_down_is_unavailable_not_a_refusal(client, server):
    server.loader.errors["pump-run-2"] = UnavailableError("The object store does not answer")
    error = await refused(client.predict("pump@2"))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert "pump@2" not in await client.statuses()


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.PredictRequest(model="pump"), "series"),
        (pb.PredictRequest(model="pump@", series=[pb.Series(channels=[pb.Channel(values=[1])])]), "model"),
        (
            pb.PredictRequest(model="pump", series=[pb.Series(channels=[pb.Channel(values=[1, float("nan")])])]),
            "series[0].channels[0].values[1]",
        ),
    ],
)
async def test_bad_input_names_the_field(client, request_, field):
    error = await refused(client.stub.Predict(request_, metadata=client.metadata))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    details = dict(error.trailing_metadata())["grpc-status-details-bin"]
    bad_request = error_details_pb2.BadRequest()
    status_pb2.Status.FromString(details).details[0].Unpack(bad_request)
    assert [violation.field for violation in bad_request.field_violations] == [field]


async def test_a_message_over_the_limit_is_refused_by_the_transport(client):
    error = await refused(client.predict(values=[0.0] * (2 * 2**20 + 1)))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_message_just_below_the_limit_is_answered(client):
    answer = await client.predict(values=[0.0] * (2 * 2**20 - 100), include_scores=True)
    assert len(answer.answers[0].scores[0].scores) == 2 * 2**20 - 100


async def test_a_deadline_that_has_passed_reaches_no_model(client, server):
    model = server.champion
    # Busy, or a call that has a millisecond left on its way in may still be in time.
    model.gate.clear()
    in_hand = asyncio.create_task(_awaited(client.predict()))
    await asyncio.to_thread(model.entered.wait, 5)
    error = await refused(client.predict(timeout=0))
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await asyncio.sleep(0.05)
    model.gate.set()
    await in_hand
    assert (await client.predict()).model.version == 1
    assert len(model.batches) == 2


@pytest.mark.parametrize(
    ("longest_s", "allowed_s", "said"),
    [
        (
            0.2,
            10.0,
            "not answered after 0.2 s, the longest that this server allows: ask for less, or have UPWELL_PREDICT_",
        ),
        (10.0, 0.2, "Deadline Exceeded"),
    ],
)
async def test_the_earlier_limit_holds_and_the_error_says_whose_it_was(tmp_path, longest_s, allowed_s, said):
    server = Server(tmp_path, longest_s=longest_s)
    await server.grpc.start()
    server.champion.gate.clear()
    client = Client(server)
    error = await refused(client.predict(timeout=allowed_s))
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert said in error.details()
    await client.channel.close()
    await server.stop()


async def test_calls_that_nobody_waits_for_any_more_never_reach_the_model(client, server):
    model = server.champion
    model.gate.clear()
    in_hand = asyncio.create_task(_awaited(client.predict()))
    await asyncio.to_thread(model.entered.wait, 5)
    impatient = client.predict(timeout=0.2)
    dropped = client.predict()
    await until(lambda: server.batcher.waiting(model) == 2)
    dropped.cancel()
    assert (await refused(impatient)).code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await asyncio.sleep(0.05)
    model.gate.set()
    await in_hand
    await client.predict()
    assert model.batches == [["s"], ["s"]]


async def test_a_full_queue_answers_at_once(client, server):
    model = server.champion
    model.gate.clear()
    calls = [asyncio.create_task(_awaited(client.predict()))]
    await asyncio.to_thread(model.entered.wait, 5)
    calls += [asyncio.create_task(_awaited(client.predict())) for _ in range(QUEUE)]
    await until(lambda: server.batcher.waiting(model) == QUEUE)
    assert (await client.statuses())["pump@1"].queue_length == QUEUE
    began = time.monotonic()
    error = await refused(client.predict())
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "try again later" in error.details()
    assert time.monotonic() - began < 2
    model.gate.set()
    assert len(await asyncio.gather(*calls)) == QUEUE + 1, "nobody who waited is dropped"


async def test_health_answers_while_the_model_is_busy(client, server):
    server.champion.gate.clear()
    call = asyncio.create_task(_awaited(client.predict()))
    await asyncio.to_thread(server.champion.entered.wait, 5)
    await server.grpc.set_serving("model/pump", serving=True)
    health = health_pb2_grpc.HealthStub(client.channel)
    answer = await health.Check(health_pb2.HealthCheckRequest(service="model/pump"), timeout=1)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    server.champion.gate.set()
    await call


async def test_a_call_in_hand_finishes_on_the_version_it_began_with(client, server):
    old = server.champion
    old.gate.clear()
    call = asyncio.create_task(_awaited(client.predict()))
    await asyncio.to_thread(old.entered.wait, 5)
    server.catalogue.promote(version(2))
    await asyncio.to_thread(server.names.reconcile)
    waiting = asyncio.create_task(_awaited(client.predict()))
    old.gate.set()
    assert (await call).model.version == 1
    assert (await waiting).model.version == 2


async def test_a_job_is_started_and_found(client):
    request = events.InferRequested(job_id="job-1", dataset="pump-7", model="pump")
    reviewer = [("authorization", "Bearer review")]
    for _ in range(2):
        started = await client.stub.StartJob(pb.StartJobRequest(request=request), metadata=reviewer)
        assert started.job_id == "job-1"
    job = (await client.stub.GetJob(pb.GetJobRequest(job_id="job-1"), metadata=client.metadata)).job
    assert job.request == request
    assert job.state == common.WORK_STATE_QUEUED
    assert not job.HasField("result")
    assert not job.HasField("failure")
    error = await refused(client.stub.GetJob(pb.GetJobRequest(job_id="other"), metadata=client.metadata))
    assert error.code() is grpc.StatusCode.NOT_FOUND


async def test_a_job_without_an_id_gets_one(client):
    request = pb.StartJobRequest(request=events.InferRequested(dataset="pump-7", model="pump"))
    reviewer = [("authorization", "Bearer review")]
    first, second = [(await client.stub.StartJob(request, metadata=reviewer)).job_id for _ in range(2)]
    assert first
    assert first != second


async def test_who_may_do_what(client):
    request = pb.StartJobRequest(request=events.InferRequested(dataset="pump-7", model="pump"))
    error = await refused(client.stub.StartJob(request, metadata=client.metadata))
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED
    client.metadata = []
    assert (await refused(client.predict())).code() is grpc.StatusCode.UNAUTHENTICATED
    client.metadata = [("authorization", "Bearer wrong")]
    assert (await refused(client.predict())).code() is grpc.StatusCode.UNAUTHENTICATED


async def _awaited(call):
    return await call


async def test_a_series_model_answers_no_conversations(client):
    request = text_pb2.GenerateRequest(
        model="pump", messages=[text_pb2.ChatMessage(role="user", content="Anything unusual?")]
    )
    error = await refused(client.stub.Generate(request, metadata=client.metadata))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "pump@1 answers series (Predict), not conversations" in error.details()

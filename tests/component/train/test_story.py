"""A run's story over real gRPC: from a place in it, its log alone, its numbers, and how attempts failed."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import grpc
import pytest

from shared.errors import RetryableError
from tests.component.train.test_rpc import VIEWER, Running, bearer, running, told
from tests.use_cases.train.world import COMPLETED, STEPS
from upwell.common.v1 import common_pb2 as common
from upwell.train.v1 import metrics_pb2 as metrics_pb
from upwell.train.v1 import train_service_pb2 as pb

__all__ = ["running"]

NUMBERS = {"step": [1, 2, 3], "loss": [3.0, 2.0, 1.0], "f1": [None, None, 0.5]}
REPORT = json.dumps({"event": "progress", "step": 3, "total_steps": 3, "loss": 1.0, "steps": NUMBERS})


async def execute(running: Running, *script: str, run_id: str = "mine", exit_code: int = 0) -> None:
    await running.start(run_id=run_id)
    running.world.launcher.script, running.world.launcher.exit_code = script, exit_code
    await asyncio.to_thread(running.world.execution(), running.world.claim(), running.world.lease)


async def listed(running: Running, **asked: Any) -> metrics_pb.ListMetricsResponse:
    request = metrics_pb.ListMetricsRequest(run_id="mine", **asked)
    answer: metrics_pb.ListMetricsResponse = await running.stub.ListMetrics(request, metadata=bearer(VIEWER))
    return answer


async def test_a_watch_goes_on_behind_any_place(running: Running):
    await execute(running, "loading", STEPS[0], "half way", STEPS[1], COMPLETED)
    whole = [answer async for answer in running.watch("mine")]
    assert told(whole) == ["loading", "step 1", "half way", "step 2", "completed"]
    places = [answer.sequence for answer in whole]
    assert places == sorted(places)
    assert len(set(places)) == 4  # the end has the place of what led to it
    for number, place in enumerate(places[:4], start=1):
        rest = [answer async for answer in running.watch("mine", after_sequence=place)]
        assert told(rest) == told(whole)[number:]


async def test_the_log_alone(running: Running):
    await execute(running, "loading", STEPS[0], "half way", STEPS[1], COMPLETED)
    assert told([answer async for answer in running.watch("mine", logs_only=True)]) == [
        "loading",
        "half way",
        "completed",
    ]


async def test_what_has_happened_until_now_is_told_without_waiting(running: Running):
    await running.start(run_id="mine")
    answers = [answer async for answer in running.watch("mine", replay_only=True)]
    assert told(answers) == ["queued"]


async def test_the_numbers_of_a_run_come_in_pages(running: Running):
    await execute(running, REPORT, COMPLETED)
    first = await listed(running, page_size=2)
    assert list(first.names) == ["f1", "loss"]
    rest = await listed(running, page_size=2, page_token=first.next_page_token)
    assert (list(rest.names), rest.next_page_token) == ([], "")
    found = [*first.metrics, *rest.metrics]
    assert [(one.step, one.name, one.value) for one in found] == [
        (1, "loss", 3.0),
        (2, "loss", 2.0),
        (3, "f1", 0.5),
        (3, "loss", 1.0),
    ]
    assert {one.attempt for one in found} == {1}
    assert found[0].recorded_at.seconds > 0


async def test_numbers_are_narrowed_by_name_and_step(running: Running):
    await execute(running, REPORT, COMPLETED)
    answer = await listed(running, names=["loss"], from_step=2)
    assert [(one.step, one.value) for one in answer.metrics] == [(2, 2.0), (3, 1.0)]
    assert list((await listed(running, names=["nothing"])).metrics) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"page_size": 10_001},
        {"names": ["loss"] * 101},
        {"page_token": "abc"},
        {"page_token": "1/"},
        {"page_token": "9" * 5000 + "/loss"},
        {"from_step": 2**64 - 1},
    ],
)
async def test_what_makes_no_page_is_refused(running: Running, wrong):
    await running.start(run_id="mine")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await listed(running, **wrong)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    (field,) = wrong
    assert field in str(caught.value.details())


async def test_numbers_of_an_unknown_run_are_not_found(running: Running):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await listed(running)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_place_that_no_run_has_is_refused(running: Running):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.watch("mine", after_sequence=2**64 - 1).read()
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_run_that_goes_on_shows_how_its_last_attempt_failed(running: Running):
    with pytest.raises(RetryableError):
        await execute(running, "Killed", exit_code=-9)
    run = await running.get("mine")
    assert run.state == common.WORK_STATE_RUNNING
    assert not run.HasField("failure")
    assert (run.last_failure.cause, list(run.last_failure.evidence)) == ("killed", ["Killed"])
    assert not run.HasField("retried_with")


async def test_a_run_shows_what_was_changed_for_another_try(running: Running):
    await running.start(run_id="mine")
    with running.world.store.transaction() as tx:
        tx.runs.retry_with("mine", {"batch_size": 4})
    run: pb.Run = await running.get("mine")
    assert dict(run.retried_with) == {"batch_size": 4}

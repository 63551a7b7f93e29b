"""TrainService over real gRPC in this process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.protobuf import json_format
from google.rpc import error_details_pb2, status_pb2
from pydantic import SecretStr

from shared.runtime.auth import authenticator_for
from shared.runtime.database import Database
from shared.runtime.grpc_server import GrpcServer
from shared.runtime.migrations import migrate
from shared.runtime.settings import ServiceSettings
from svc_train.bootstrap import MIGRATIONS
from svc_train.domain.checkpoints import SavedCheckpoint
from svc_train.rpc import bases_rpc, train_rpc
from tests.use_cases.train.fakes import FakeRecipe
from tests.use_cases.train.world import COMPLETED, STEPS, World
from upwell.common.v1 import common_pb2 as common
from upwell.local.ports import choose_ports
from upwell.train.v1 import base_service_pb2 as bases_pb
from upwell.train.v1 import base_service_pb2_grpc as bases
from upwell.train.v1 import events_pb2 as events
from upwell.train.v1 import train_service_pb2 as pb
from upwell.train.v1 import train_service_pb2_grpc as rpc

TRAINER, VIEWER, ADMIN = "token-t", "token-v", "token-a"
GOOD = {"recipe": "fake-lm", "dataset": "labels@1", "model": "detector", "hyperparameters": {"max_steps": 2}}


class Running:
    """The service, and a caller."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.draining = asyncio.Event()
        port = choose_ports(["svc_train"], {})["svc_train"]
        tokens = f"tom:trainer:{TRAINER},vera:viewer:{VIEWER},ada:admin:{ADMIN}"
        settings = ServiceSettings(grpc_port=port, tokens=SecretStr(tokens))
        rpcs = [train_rpc(world.store, world.recipes, self.draining), bases_rpc(world.bases())]
        self.server = GrpcServer(settings, default_port=1, rpcs=rpcs, auth=authenticator_for(settings))
        self.channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        self.stub = rpc.TrainServiceStub(self.channel)
        self.bases = bases.BaseServiceStub(self.channel)

    async def start(self, *, token: str = TRAINER, **asked: Any) -> str:
        request = json_format.ParseDict({**GOOD, **asked}, events.TrainRequested())
        answer = await self.stub.StartRun(pb.StartRunRequest(request=request), metadata=bearer(token))
        return str(answer.run_id)

    async def get(self, run_id: str) -> pb.Run:
        return (await self.stub.GetRun(pb.GetRunRequest(run_id=run_id), metadata=bearer(VIEWER))).run

    def watch(self, run_id: str, **asked: Any) -> Any:
        return self.stub.WatchRun(pb.WatchRunRequest(run_id=run_id, **asked), metadata=bearer(VIEWER))


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


def told(answers: list[pb.WatchRunResponse]) -> list[str]:
    """What a watcher was told, in short."""
    short = []
    for answer in answers:
        if answer.HasField("run"):
            short.append(common.WorkState.Name(answer.run.state).removeprefix("WORK_STATE_").lower())
        elif answer.HasField("progress"):
            short.append(f"step {answer.progress.step}")
        else:
            short.append(answer.log_line)
    return short


@pytest_asyncio.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    database = Database(f"sqlite:///{tmp_path / 'train.db'}", schema="svc_train")
    migrate(database, MIGRATIONS)
    made = Running(World(tmp_path, database))
    await made.server.start()
    yield made
    made.draining.set()
    await made.channel.close()
    await made.server.stop(1)
    database.dispose()


async def test_a_run_is_started_executed_and_shown(running: Running):
    run_id = await running.start(run_id="mine")
    assert run_id == "mine"
    assert (await running.get("mine")).state == common.WORK_STATE_QUEUED
    world = running.world
    await asyncio.to_thread(world.execution(), world.claim(), world.lease)
    run = await running.get("mine")
    assert run.state == common.WORK_STATE_COMPLETED
    assert run.bundle_digest == world.events("train.completed")[0]["bundleDigest"]
    assert dict(run.metrics) == {"f1": 0.5}
    assert run.progress.step == 2
    assert json_format.MessageToDict(run.request.hyperparameters) == {"max_steps": 2}
    assert run.finished_at.ToDatetime() >= run.created_at.ToDatetime()


async def test_a_cancelled_run_is_resumed_and_shows_its_place_and_its_checkpoint(running: Running):
    for name in ("first", "second"):
        await running.start(run_id=name)
    assert [(await running.get(name)).queue_position for name in ("first", "second")] == [1, 2]
    await running.stub.CancelRun(pb.CancelRunRequest(run_id="first"), metadata=bearer(TRAINER))
    assert [(await running.get(name)).queue_position for name in ("first", "second")] == [0, 1]
    saved_at = datetime(2026, 1, 1, tzinfo=UTC)
    saved = SavedCheckpoint(run_id="first", attempt=2, step=40, digest="d", size_bytes=9, saved_at=saved_at)
    with running.world.store.transaction() as tx:
        tx.checkpoints.add(saved)
    answer = await running.stub.ResumeRun(pb.ResumeRunRequest(run_id="first"), metadata=bearer(TRAINER))
    assert (answer.run.state, answer.run.queue_position) == (common.WORK_STATE_QUEUED, 2)
    assert (answer.run.checkpoint.step, answer.run.checkpoint.attempt, answer.run.checkpoint.size_bytes) == (40, 2, 9)
    assert answer.run.checkpoint.saved_at.ToDatetime(UTC) == saved_at
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.stub.ResumeRun(pb.ResumeRunRequest(run_id="first"), metadata=bearer(VIEWER))
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_without_an_id_every_call_is_another_run(running: Running):
    assert await running.start() != await running.start()
    answer = await running.stub.ListRuns(pb.ListRunsRequest(model="detector"), metadata=bearer(VIEWER))
    assert len(answer.runs) == 2


async def test_wrong_fields_are_named_in_the_details(running: Running):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.start(recipe="other", model="a/b")
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    details = dict(caught.value.trailing_metadata())["grpc-status-details-bin"]
    bad_request = error_details_pb2.BadRequest()
    (detail,) = status_pb2.Status.FromString(details).details
    assert detail.Unpack(bad_request)
    assert [violation.field for violation in bad_request.field_violations] == ["recipe", "model"]


async def test_a_hyperparameter_that_json_cannot_hold_is_refused(running: Running):
    request = events.TrainRequested(recipe="fake-lm", dataset="labels@1", model="m")
    request.hyperparameters["max_steps"] = float("nan")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.stub.StartRun(pb.StartRunRequest(request=request), metadata=bearer(TRAINER))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "hyperparameters.max_steps: nan is not a whole number" in str(caught.value.details())


async def test_the_same_id_for_another_request_is_a_conflict(running: Running):
    await running.start(run_id="mine")
    assert await running.start(run_id="mine") == "mine"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.start(run_id="mine", model="other")
    assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS


async def test_a_viewer_may_look_and_neither_start_nor_cancel(running: Running):
    await running.start(run_id="mine")
    assert (await running.get("mine")).run_id == "mine"
    for call in (
        running.start(token=VIEWER),
        running.stub.CancelRun(pb.CancelRunRequest(run_id="mine"), metadata=bearer(VIEWER)),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_a_run_is_cancelled_by_its_caller(running: Running):
    await running.start(run_id="mine")
    answer = await running.stub.CancelRun(pb.CancelRunRequest(run_id="mine"), metadata=bearer(TRAINER))
    assert answer.run.state == common.WORK_STATE_CANCELLED
    assert running.world.events("train.cancelled") == [{"runId": "mine", "cancelledBy": "tom"}]


async def test_a_finished_run_is_replayed_from_the_start(running: Running):
    await running.start(run_id="mine")
    world = running.world
    world.launcher.script = ["loading", *STEPS, COMPLETED]
    await asyncio.to_thread(world.execution(), world.claim(), world.lease)
    answers = [answer async for answer in running.watch("mine")]
    assert told(answers) == ["loading", "step 1", "step 2", "completed"]


async def test_a_run_is_watched_live_until_its_end(running: Running):
    await running.start(run_id="mine")
    world, go_on = running.world, threading.Event()
    world.launcher.script = [STEPS[0], lambda: go_on.wait(10), STEPS[1], COMPLETED]
    call = running.watch("mine")
    answers = [await call.read()]
    executing = asyncio.create_task(asyncio.to_thread(world.execution(), world.claim(), world.lease))
    answers += [await call.read(), await call.read()]
    go_on.set()
    while not answers[-1].HasField("run") or answers[-1].run.state != common.WORK_STATE_COMPLETED:
        answers.append(await call.read())
    assert await call.read() is grpc.aio.EOF
    await executing
    assert told(answers) == ["queued", "running", "step 1", "step 2", "completed"]
    assert answers[2].progress.attempt == 1


async def test_a_watcher_is_sent_elsewhere_when_the_service_stops(running: Running):
    await running.start(run_id="mine")
    call = running.watch("mine")
    await call.read()
    running.draining.set()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("method", ["GetRun", "WatchRun", "CancelRun"])
async def test_an_unknown_run_is_not_found(running: Running, method):
    request = getattr(pb, f"{method}Request")(run_id="nobody")
    call = getattr(running.stub, method)(request, metadata=bearer(TRAINER))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await (call.read() if method == "WatchRun" else call)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_lists_have_limits(running: Running):
    for number in range(3):
        await running.start(run_id=f"run-{number}")
    asked = pb.ListRunsRequest(state=common.WORK_STATE_QUEUED, page_size=2)
    answer = await running.stub.ListRuns(asked, metadata=bearer(VIEWER))
    assert [run.run_id for run in answer.runs] == ["run-2", "run-1"]
    for wrong in (pb.ListRunsRequest(page_size=1001), pb.ListRunsRequest(state=77)):  # type: ignore[arg-type]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await running.stub.ListRuns(wrong, metadata=bearer(VIEWER))
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_recipes_are_listed_with_defaults_and_help(running: Running):
    running.world.recipes["fake-lm"] = FakeRecipe(dataset_kinds=("chat/v1",))
    answer = await running.stub.ListRecipes(pb.ListRecipesRequest(), metadata=bearer(VIEWER))
    (recipe,) = answer.recipes
    assert (recipe.name, recipe.default_base, list(recipe.dataset_kinds)) == ("fake-lm", "tiny", ["chat/v1"])
    assert list(recipe.parent_families) == ["fake"]
    assert json_format.MessageToDict(recipe.hyperparameters)["max_steps"] == {
        "default": 10,
        "type": "int",
        "help": "Steps.",
        "unit": "steps",
        "low": 1,
        "high": 1000,
    }


async def test_an_admin_adds_a_base_and_everybody_sees_it(running: Running) -> None:
    request = bases_pb.AddBaseRequest(name="ours", source="folder:tiny")
    answer = await running.bases.AddBase(request, metadata=bearer(ADMIN))
    assert answer.base.name == "ours"
    assert dict(answer.meta) == {"model_type": "fake"}
    listed = await running.bases.ListAvailableBases(bases_pb.ListAvailableBasesRequest(), metadata=bearer(VIEWER))
    assert [(one.name, one.origin, one.lacks, one.digest) for one in listed.bases] == [
        ("mine", "folder", "", ""),
        ("ours", "added", "", answer.base.digest),
        ("tiny", "built-in", "a package", ""),
    ]


@pytest.mark.parametrize(
    ("asked", "token", "code"),
    [
        ({"name": "ours", "source": "folder:tiny"}, TRAINER, grpc.StatusCode.PERMISSION_DENIED),
        ({"name": "ours", "source": "disk:tiny"}, ADMIN, grpc.StatusCode.INVALID_ARGUMENT),
        ({"name": "ours", "source": "hub:Qwen/Qwen3-0.6B"}, ADMIN, grpc.StatusCode.FAILED_PRECONDITION),
    ],
)
async def test_a_base_that_may_not_be_added_is_refused(
    running: Running, asked: dict[str, str], token: str, code: grpc.StatusCode
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.bases.AddBase(bases_pb.AddBaseRequest(**asked), metadata=bearer(token))
    assert caught.value.code() is code

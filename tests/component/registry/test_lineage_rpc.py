"""LineageService over gRPC: whole answers in one call, bad input field by field."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
import pytest_asyncio
from google.protobuf import json_format
from google.rpc import error_details_pb2, status_pb2
from pydantic import SecretStr

from shared.contracts.lineage import model_key
from shared.runtime.auth import authenticator_for
from shared.runtime.grpc_server import GrpcServer
from svc_registry.rpc.lineage import lineage_rpc
from svc_registry.settings import DEFAULT_PORT, RegistrySettings
from tests.use_cases.registry.lineage_world import MOMENT, World, candidate
from upwell.local.ports import choose_ports
from upwell.registry.v1 import lineage_service_pb2 as pb
from upwell.registry.v1 import lineage_service_pb2_grpc as pb_grpc

SOURCE = "source/file:泵.csv"
TOKEN = (("authorization", "Bearer token-vera"),)


class Served:
    """The service and its caller, a viewer."""

    def __init__(self, world: World, channel: grpc.aio.Channel) -> None:
        self.world = world
        self._stub = pb_grpc.LineageServiceStub(channel)

    async def call(self, method: str, request, *, token=TOKEN):
        return await getattr(self._stub, method)(request, metadata=token, timeout=20)

    async def refused(self, method: str, request, **more) -> tuple[grpc.StatusCode, str, list[str]]:
        """Code, sentence and fields of the error that a call is answered with."""
        try:
            answer = await self.call(method, request, **more)
        except grpc.aio.AioRpcError as error:
            return error.code(), error.details() or "", fields_of(error)
        raise AssertionError(f"{method} was answered with {answer}")


def fields_of(error: grpc.aio.AioRpcError) -> list[str]:
    details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
    if details is None:
        return []
    bad = error_details_pb2.BadRequest()
    status_pb2.Status.FromString(details).details[0].Unpack(bad)
    return [violation.field for violation in bad.field_violations]


@asynccontextmanager
async def serving(world: World) -> AsyncIterator[Served]:
    port = choose_ports(("registry",), {})["registry"]
    settings = RegistrySettings(grpc_port=port, tokens=SecretStr("vera:viewer:token-vera"))
    server = GrpcServer(
        settings, default_port=DEFAULT_PORT, rpcs=[lineage_rpc(world.store)], auth=authenticator_for(settings)
    )
    await server.start()
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield Served(world, channel)
    await server.stop(0)


@pytest_asyncio.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """A chain: what rita approved taught detector@1, from which detector@2 went on with what otto approved."""
    world = World(tmp_path)
    series = world.series("pump", SOURCE)
    for reviewer, run_id, parent in (("rita", "run-1", ""), ("otto", "run-2", "run-1")):
        labels = world.export(f"labels-{reviewer}", series, {reviewer: [len(parent) + 1]})
        world.index(labels)
        world.train(run_id, labels, parent=parent)
    async with serving(world) as running:
        yield running


async def test_a_whole_chain_with_its_facts_in_one_call(served: Served):
    request = pb.GetLineageRequest(node="detector@2", include_facts=True)
    answer = await served.call("GetLineage", request)
    nodes = {node.key: node for node in answer.nodes}
    assert answer.root == model_key("run-2")
    assert {node.type for node in answer.nodes} == {"model", "run", "dataset", "reviews", "base", "source"}
    facts = json_format.MessageToDict(nodes["run/run-2"].facts)
    assert (facts["recipe"], facts["parent"], facts["total_steps"]) == ("series-lm", "detector@1", 40)
    assert nodes["run/run-2"].made_at.ToDatetime(MOMENT.tzinfo) == MOMENT
    without = await served.call("GetLineage", pb.GetLineageRequest(node="detector@2"))
    assert not any(node.HasField("facts") for node in without.nodes)
    assert [node.key for node in without.nodes] == [node.key for node in answer.nodes]


async def test_a_way_in_either_order(served: Served):
    one = await served.call("FindPath", pb.FindPathRequest(one=SOURCE, other="run-2", include_facts=True))
    other = await served.call("FindPath", pb.FindPathRequest(one="run-2", other=SOURCE, include_facts=True))
    assert one == other
    assert (one.ancestor, one.descendant) == (SOURCE, "run/run-2")
    assert len(one.edges) == 7
    assert any(node.facts.fields for node in one.nodes)


async def test_no_way_is_an_answer(served: Served):
    answer = await served.call("FindPath", pb.FindPathRequest(one="labels-rita@1", other="labels-otto@1"))
    assert (answer.ancestor, answer.descendant, len(answer.nodes), len(answer.edges)) == ("", "", 2, 0)


async def test_models_with_the_way_that_explains_each(served: Served):
    request = pb.FindTrainedModelsRequest(reviewer="rita")
    answer = await served.call("FindTrainedModels", request)
    assert [found.model.ref.version for found in answer.models] == [2, 1]
    assert [node.type for node in answer.models[0].path] == ["reviews", "dataset", "run", "model", "run", "model"]
    assert (answer.start_count, list(answer.unread)) == (1, [])
    series = served.world.series("pump", SOURCE)
    for asked in (
        pb.FindTrainedModelsRequest(reviewer="otto"),
        pb.FindTrainedModelsRequest(candidate=candidate(series, 6).id),
        pb.FindTrainedModelsRequest(dataset="labels-otto@1"),
    ):
        found = await served.call("FindTrainedModels", asked)
        assert [one.model.ref.version for one in found.models] == [2]
    assert len((await served.call("FindTrainedModels", pb.FindTrainedModelsRequest(source="泵.csv"))).models) == 2


async def test_models_page_by_page(served: Served):
    versions, token = [], ""
    for _ in range(3):
        request = pb.FindTrainedModelsRequest(reviewer="rita", page_size=1, page_token=token)
        answer = await served.call("FindTrainedModels", request)
        versions += [found.model.ref.version for found in answer.models]
        token = answer.next_page_token
    assert (versions, token) == ([2, 1], "")


async def test_what_is_not_indexed_is_said(served: Served):
    world = served.world
    lost = world.export("lost", world.series("pump", SOURCE), {"eve": [9]})
    world.review_file(lost).unlink()
    world.index(lost)
    answer = await served.call("FindTrainedModels", pb.FindTrainedModelsRequest(reviewer="eve"))
    assert (list(answer.models), answer.start_count) == ([], 0)
    assert "missing in the object store" in answer.unread[0].reason


@pytest.mark.parametrize(
    ("method", "asked", "refused"),
    [
        ("FindTrainedModels", pb.FindTrainedModelsRequest(), ("INVALID_ARGUMENT", "name a reviewer", ["subject"])),
        (
            "FindTrainedModels",
            pb.FindTrainedModelsRequest(reviewer=""),
            ("INVALID_ARGUMENT", "name a reviewer", ["reviewer"]),
        ),
        (
            "FindTrainedModels",
            pb.FindTrainedModelsRequest(reviewer="rita", page_size=1001),
            ("INVALID_ARGUMENT", "1001 is too large", ["page_size"]),
        ),
        ("FindTrainedModels", pb.FindTrainedModelsRequest(source="x"), ("NOT_FOUND", "no source 'x'", [])),
        ("FindPath", pb.FindPathRequest(one="pump@1"), ("NOT_FOUND", "no dataset, model or run ''", [])),
        ("FindPath", pb.FindPathRequest(one="pump@1", other="run/x"), ("NOT_FOUND", "knows no 'run/x'", [])),
    ],
)
async def test_bad_questions(served: Served, method, asked, refused):
    code, said, fields = refused
    answered = await served.refused(method, asked)
    assert answered[0] is grpc.StatusCode[code]
    assert said in answered[1]
    assert answered[2] == fields


@pytest.mark.parametrize("method", ["FindPath", "FindTrainedModels"])
async def test_strangers_read_nothing(served: Served, method):
    request = {"FindPath": pb.FindPathRequest(), "FindTrainedModels": pb.FindTrainedModelsRequest()}[method]
    assert (await served.refused(method, request, token=()))[0] is grpc.StatusCode.UNAUTHENTICATED

"""Gates, rollbacks, deletions, copies and signatures as callers with roles see them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import pytest
import pytest_asyncio

from tests.component.registry.serving import Served, serving
from tests.use_cases.registry.promotion_world import PromotionWorld
from upwell.registry.v1 import lineage_service_pb2 as lineage
from upwell.registry.v1 import marks_pb2 as marks
from upwell.registry.v1 import promotion_service_pb2 as pb
from upwell.registry.v1 import registry_service_pb2 as registry
from upwell.registry.v1 import version_service_pb2 as versions
from upwell.signing import sign_bundle

F1_OF_06 = marks.Condition(metric="f1", comparison=marks.COMPARISON_AT_LEAST, value=0.6)
PROMOTE_2 = registry.PromoteModelRequest(name="detector", version=2, reason="试")


@pytest_asyncio.fixture
async def served(tmp_path) -> AsyncIterator[Served]:
    world = PromotionWorld(tmp_path)
    for number, f1 in enumerate((0.7, 0.5), start=1):
        world.model(f"run-{number}", f1=f1, eval_windows=50)
    async with serving(world) as running:
        yield running


async def gated(served: Served) -> None:
    await served.call("SetGate", pb.SetGateRequest(model="detector", conditions=[F1_OF_06]), as_="root")


async def ledger(served: Served) -> list[registry.AliasMove]:
    answer = await served.call("ListAliasMoves", registry.ListAliasMovesRequest(name="detector"), as_="vera")
    return list(answer.moves)


async def test_a_refusal_is_a_failed_precondition_that_names_each_condition(served: Served) -> None:
    size = marks.Condition(
        metric="f1",
        comparison=marks.COMPARISON_BETTER_THAN_HOLDER,
        size_metric="eval_windows",
        minimum_size=100,
    )
    await served.call("SetGate", pb.SetGateRequest(model="detector", conditions=[F1_OF_06, size]), as_="root")
    refused = await served.refused("PromoteModel", PROMOTE_2)
    assert refused.code is grpc.StatusCode.FAILED_PRECONDITION
    assert "f1 is 0.5: at least 0.6 is asked for; eval_windows is 50: 100 is the least for f1" in refused.message
    (entry,) = await ledger(served)
    assert (entry.kind, entry.moved_by, entry.reason) == (marks.MOVE_KIND_REFUSED, "tom", "试")
    assert len(entry.failed_conditions) == 2


async def test_force_needs_an_admin(served: Served) -> None:
    await gated(served)
    forced = registry.PromoteModelRequest(name="detector", version=2, force=True)
    refused = await served.refused("PromoteModel", forced, as_="tom")
    assert refused.code is grpc.StatusCode.PERMISSION_DENIED
    assert "'tom' has the role trainer; this call needs admin" in refused.message
    assert await ledger(served) == []
    move = (await served.call("PromoteModel", forced, as_="root")).move
    assert (move.kind, move.moved_by) == (marks.MOVE_KIND_FORCED, "root")
    assert list(move.failed_conditions) == ["f1 is 0.5: at least 0.6 is asked for"]


@pytest.mark.parametrize(
    ("method", "request_", "role"),
    [
        ("SetGate", pb.SetGateRequest(model="detector", conditions=[F1_OF_06]), "admin"),
        ("DeleteGate", pb.DeleteGateRequest(model="detector"), "admin"),
        ("RollBackAlias", pb.RollBackAliasRequest(model="detector"), "trainer"),
        ("ClearAlias", pb.ClearAliasRequest(model="detector", alias="x"), "trainer"),
        ("PromoteModel", PROMOTE_2, "trainer"),
        ("CopyModel", versions.CopyModelRequest(reference="detector@1", model="other"), "trainer"),
        ("SignModel", versions.SignModelRequest(reference="detector@1"), "trainer"),
        ("DeleteModel", versions.DeleteModelRequest(name="detector", version=1, reason="x"), "trainer"),
        ("DeleteDataset", versions.DeleteDatasetRequest(name="pump", version=1, reason="x"), "trainer"),
    ],
)
async def test_who_may(served: Served, method: str, request_, role: str) -> None:
    below = {"admin": "tom", "trainer": "rita"}[role]
    refused = await served.refused(method, request_, as_=below)
    assert refused.code is grpc.StatusCode.PERMISSION_DENIED
    assert f"this call needs {role}" in refused.message


async def test_gates_are_read_by_everybody_and_refused_by_field(served: Served) -> None:
    await gated(served)
    answer = await served.call("ListGates", pb.ListGatesRequest(model="detector"), as_="vera")
    (gate,) = answer.gates
    assert (gate.alias, gate.set_by, list(gate.conditions)) == ("champion", "root", [F1_OF_06])
    for wrong, field in (
        (marks.Condition(metric="f1"), "conditions[0].comparison"),
        (marks.Condition(metric="f1", comparison=99), "conditions[0].comparison"),
        (marks.Condition(comparison=marks.COMPARISON_AT_LEAST), "conditions[0].metric"),
    ):
        request = pb.SetGateRequest(model="detector", conditions=[wrong])
        refused = await served.refused("SetGate", request, as_="root")
        assert (refused.code, refused.fields) == (grpc.StatusCode.INVALID_ARGUMENT, (field,))
    await served.call("DeleteGate", pb.DeleteGateRequest(model="detector"), as_="root")
    gone = await served.refused("DeleteGate", pb.DeleteGateRequest(model="detector"), as_="root")
    assert gone.code is grpc.StatusCode.NOT_FOUND


async def test_back_then_away_and_what_served(served: Served) -> None:
    for version in (1, 2):
        await served.call("PromoteModel", registry.PromoteModelRequest(name="detector", version=version))
    back = (await served.call("RollBackAlias", pb.RollBackAliasRequest(model="detector", reason="报警"))).move
    assert (back.kind, back.from_version, back.to_version, back.reason) == (marks.MOVE_KIND_ROLLED_BACK, 2, 1, "报警")
    again = await served.refused("RollBackAlias", pb.RollBackAliasRequest(model="detector"))
    assert again.code is grpc.StatusCode.FAILED_PRECONDITION
    newest_first = await ledger(served)
    then = pb.GetServingRequest(model="detector", at=newest_first[1].moved_at)
    assert (await served.call("GetServing", then, as_="vera")).model.ref.version == 2
    now = await served.call("GetServing", pb.GetServingRequest(model="detector"), as_="vera")
    assert (now.model.ref.version, now.move) == (1, back)
    await served.call("ClearAlias", pb.ClearAliasRequest(model="detector", alias="champion"))
    aliases = await served.call("ListAliases", registry.ListAliasesRequest(), as_="vera")
    assert list(aliases.aliases) == []
    refused = await served.refused("GetServing", pb.GetServingRequest(model="detector"), as_="vera")
    assert refused.code is grpc.StatusCode.NOT_FOUND


async def test_a_page_of_the_ledger_is_bounded(served: Served) -> None:
    for alias in ("a", "b"):
        await served.call("PromoteModel", registry.PromoteModelRequest(name="detector", version=1, alias=alias))
    ask = registry.ListAliasMovesRequest
    newest = await served.call("ListAliasMoves", ask(name="detector", limit=1), as_="vera")
    assert [move.alias for move in newest.moves] == ["b"]
    only = await served.call("ListAliasMoves", ask(name="detector", alias="a"), as_="vera")
    assert [move.alias for move in only.moves] == ["a"]
    refused = await served.refused("ListAliasMoves", ask(name="detector", limit=1001), as_="vera")
    assert (refused.code, refused.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ("limit",))


async def test_a_deleted_version_is_found_no_longer_and_listed_on_request(served: Served) -> None:
    gone = versions.DeleteModelRequest(name="detector", version=2, reason="标签错误")
    answer = await served.call("DeleteModel", gone)
    assert (answer.model.deletion.deleted_by, answer.model.deletion.reason) == ("tom", "标签错误")
    refused = await served.refused("GetModel", registry.GetModelRequest(reference="detector@2"), as_="vera")
    assert refused.code is grpc.StatusCode.NOT_FOUND
    assert "detector@2 was deleted by tom at" in refused.message
    by_run = await served.call("GetModel", registry.GetModelRequest(run_id="run-2"), as_="vera")
    assert by_run.model.HasField("deletion"), "its run still says what became of it"
    listed = await served.call("ListModels", registry.ListModelsRequest(), as_="vera")
    assert [model.ref.version for model in listed.models] == [1]
    everything = await served.call("ListModels", registry.ListModelsRequest(include_deleted=True), as_="vera")
    assert [(model.ref.version, model.HasField("deletion")) for model in everything.models] == [(2, True), (1, False)]
    graph = await served.call("GetLineage", lineage.GetLineageRequest(node="detector@2"), as_="vera")
    assert [node.label for node in graph.nodes if node.deleted] == ["detector@2"]
    await served.call("PromoteModel", registry.PromoteModelRequest(name="detector", version=1))
    aliased = versions.DeleteModelRequest(name="detector", version=1, reason="x")
    assert (await served.refused("DeleteModel", aliased)).code is grpc.StatusCode.FAILED_PRECONDITION


async def test_a_dataset_version_is_deleted(served: Served) -> None:
    made = served.world.dataset("pump", "x")
    answer = await served.call("DeleteDataset", versions.DeleteDatasetRequest(name="pump", version=1, reason="private"))
    assert answer.dataset.deletion.reason == "private"
    for request in (
        registry.GetDatasetRequest(reference="pump@1"),
        registry.GetDatasetRequest(name="pump", manifest_digest=made.digest),
    ):
        refused = await served.refused("GetDataset", request, as_="vera")
        assert "pump@1 was deleted by tom at" in refused.message
    listed = await served.call("ListDatasets", registry.ListDatasetsRequest(include_deleted=True), as_="vera")
    assert [dataset.HasField("deletion") for dataset in listed.datasets] == [True]
    no_reason = await served.refused("DeleteDataset", versions.DeleteDatasetRequest(name="pump", version=1))
    assert no_reason.fields == ("reason",)


async def test_a_copy_carries_the_signature(served: Served) -> None:
    model = (await served.call("GetModel", registry.GetModelRequest(reference="detector@1"))).model
    signature = sign_bundle(served.private_key, model.bundle_digest)
    request = versions.SignModelRequest(
        reference="detector@1", bundle_digest=model.bundle_digest, key="qa", signature=signature
    )
    (kept,) = (await served.call("SignModel", request)).model.signatures
    assert (kept.key, kept.value, kept.signed_by) == ("qa", signature, "tom")
    copy = await served.call("CopyModel", versions.CopyModelRequest(reference="detector@1", model="泵"))
    assert list(copy.model.signatures) == [kept]
    assert copy.model.ref.name == "泵"
    request.key = "nobody"
    refused = await served.refused("SignModel", request)
    assert (refused.code, refused.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ("key",))

"""Conversations with a real text model, trained for a few steps, over real gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.rpc import error_details_pb2, status_pb2

from shared.contracts.kinds import Kind
from shared.contracts.versions import BaseVersion, ModelVersion
from shared.modeling.bases import base_files, build_base
from shared.runtime.artifacts import Artifacts
from shared.runtime.auth import authenticator_for
from shared.runtime.database import Database
from shared.runtime.grpc_server import GrpcServer
from shared.runtime.migrations import migrate
from shared.runtime.object_store import FolderObjectStore
from svc_infer.adapters.bundles import BundleLoader
from svc_infer.adapters.cache import ArtifactCache
from svc_infer.adapters.fields import CachedFields
from svc_infer.adapters.store import SqlInferStore
from svc_infer.bootstrap import MIGRATIONS
from svc_infer.rpc.calls import Serving
from svc_infer.rpc.service import infer_rpc
from svc_infer.serving.batcher import Batcher, Limits
from svc_infer.serving.lines import Lines
from svc_infer.serving.names import Names
from svc_infer.serving.shelf import Shelf
from svc_infer.settings import InferSettings
from svc_train.recipes.base import BaseSource, DatasetSource, TrainingJob
from svc_train.recipes.text_sft import RECIPE
from tests.modeling.chats import write_chat
from tests.unit.infer.fakes import FakeCatalogue
from upwell.infer.v1 import infer_service_pb2 as pb
from upwell.infer.v1 import infer_service_pb2_grpc as pb_grpc
from upwell.infer.v1 import text_pb2
from upwell.local.ports import choose_ports

pytestmark = pytest.mark.heavy
VIEW = [("authorization", "Bearer view")]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Artifacts, ModelVersion]:
    """A trained version as svc_train stores it."""
    root = tmp_path_factory.mktemp("text")
    artifacts = Artifacts(FolderObjectStore(root / "objects"))
    build_base("tiny-qwen", root / "base")
    base = artifacts.store(kind=Kind.BASE, files=base_files(root / "base"), meta={}, parents=())
    job = TrainingJob(
        hyperparameters={"max_steps": 3, "precision": "float32", "max_length": 128, "lora_rank": 4},
        base=BaseSource(name="tiny-qwen", digest=base.digest, folder=root / "base"),
        training_set=DatasetSource(name="questions", digest="e" * 64, folder=write_chat(root / "chat")),
        series=(),
        bundle_dir=root / "bundle",
    )
    RECIPE.train(job, lambda _: None)
    files = {path.name: path for path in (root / "bundle").iterdir()}
    bundle = artifacts.store(kind=Kind.BUNDLE, files=files, meta={}, parents=())
    of = BaseVersion(name="tiny-qwen", digest=base.digest)
    return artifacts, ModelVersion(name="answers", version=1, run_id="r1", bundle_digest=bundle.digest, base=of)


@pytest_asyncio.fixture
async def stub(tmp_path: Path, made: tuple[Artifacts, ModelVersion]) -> AsyncIterator[Any]:
    artifacts, version = made
    database = Database(f"sqlite:///{tmp_path / 'infer.db'}", schema="svc_infer")
    migrate(database, MIGRATIONS)
    catalogue = FakeCatalogue()
    catalogue.promote(version)
    shelf = Shelf(BundleLoader(ArtifactCache(artifacts, tmp_path / "cache"), device="cpu"), capacity=2)
    batcher = Batcher(Limits())
    shelf.start()
    batcher.start()
    store = SqlInferStore(database, source="svc_infer")
    names = Names(catalogue, shelf)
    serving = Serving(names=names, shelf=shelf, batcher=batcher, lines=Lines(), longest_s=60.0)
    rpc = infer_rpc(serving, store, catalogue, CachedFields(ArtifactCache(artifacts, tmp_path / "datasets")))
    settings = InferSettings(grpc_port=choose_ports(["grpc"], {})["grpc"], tokens="mira:viewer:view")
    server = GrpcServer(settings, default_port=1, rpcs=[rpc], auth=authenticator_for(settings))
    await server.start()
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield pb_grpc.InferServiceStub(channel)
    await server.stop(1)
    batcher.stop()
    shelf.stop()
    database.dispose()


def asked(*contents: str, **more: Any) -> text_pb2.GenerateRequest:
    """A conversation in which the two take turns."""
    roles = ("user", "assistant")
    messages = [text_pb2.ChatMessage(role=roles[i % 2], content=content) for i, content in enumerate(contents)]
    return text_pb2.GenerateRequest(**{"model": "answers", "messages": messages, **more})


async def test_the_champion_answers_and_says_who_it_is(stub: Any) -> None:
    request = asked("Rows 1 to 9 hold a spike.", max_new_tokens=4)
    first = await stub.Generate(request, metadata=VIEW)
    assert (first.model.name, first.model.version, first.model.run_id) == ("answers", 1, "r1")
    assert 1 <= first.tokens <= 4
    assert first.prompt_tokens > 5
    assert first.finish in (text_pb2.FINISH_STOP, text_pb2.FINISH_LENGTH)
    assert (await stub.Generate(request, metadata=VIEW)).text == first.text
    (status,) = (await stub.GetModelStatus(pb.GetModelStatusRequest(), metadata=VIEW)).models
    assert status.state == pb.MODEL_STATE_READY


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (asked(), "messages"),
        (asked("Hi", "Hello"), "messages"),
        (asked("Hi", " ", "So?"), "messages[1].content"),
        (asked("Hi", max_new_tokens=5000), "max_new_tokens"),
        (asked("word " * 400), "messages"),
        (asked("Hi", messages=[text_pb2.ChatMessage(role="tool", content="x")] * 2), "messages"),
    ],
)
async def test_what_cannot_be_answered_is_told_by_field(stub: Any, request_: Any, field: str) -> None:
    assert await refusal(stub.Generate(request_, metadata=VIEW)) == field


async def test_the_pieces_of_an_answer_are_its_text(stub: Any) -> None:
    request = asked("Rows 1 to 9 hold a spike. 均值多少？", max_new_tokens=24)
    whole = await stub.Generate(request, metadata=VIEW)
    stream = stub.GenerateStream(text_pb2.GenerateStreamRequest(request=request), metadata=VIEW)
    *pieces, last = [piece async for piece in stream]
    assert len(pieces) > 1
    assert "".join(piece.text for piece in pieces) == whole.text
    assert (last.finish, last.tokens, last.prompt_tokens) == (whole.finish, whole.tokens, whole.prompt_tokens)
    assert {piece.model.run_id for piece in (*pieces, last)} == {"r1"}


async def test_an_answer_that_takes_too_long_ends_at_the_deadline_and_keeps_nobody_else_waiting(stub: Any) -> None:
    long, short = asked("word " * 20, max_new_tokens=1000), asked("Hi", max_new_tokens=1)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Generate(long, metadata=VIEW, timeout=0.05)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert (await stub.Generate(short, metadata=VIEW, timeout=5)).tokens == 1


async def test_attachments_are_refused_by_a_model_that_reads_text_alone(stub: Any) -> None:
    attachments = [text_pb2.Attachment(mark="<geoformer>", npz=b"PK")]
    call = stub.Generate(asked("<geoformer> So?", attachments=attachments), metadata=VIEW)
    assert await refusal(call) == "attachments"


async def test_a_question_about_series_is_refused_with_what_the_model_is_for(stub: Any) -> None:
    series = [pb.Series(channels=[pb.Channel(values=[1.0, 2.0])])]
    call = stub.Predict(pb.PredictRequest(model="answers", series=series), metadata=VIEW)
    assert await refusal(call) == "model"


async def refusal(call: Any) -> str:
    """The field that is wrong."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    details = dict(caught.value.trailing_metadata())["grpc-status-details-bin"]
    (detail,) = status_pb2.Status.FromString(details).details
    bad_request = error_details_pb2.BadRequest()
    assert detail.Unpack(bad_request)
    (violation,) = bad_request.field_violations
    return str(violation.field)

"""A real forecaster, and a model that converses about fields, both hardly trained, over real gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from shared.contracts.chat import CHAT_FILE, GEOFORMER, conversation_of_line
from shared.contracts.kinds import Kind
from shared.contracts.versions import NO_BASE, BaseVersion, DatasetVersion, ModelVersion
from shared.fields.store import open_fields
from shared.modeling.bases import base_files, build_base
from shared.runtime.artifacts import Artifacts
from shared.runtime.object_store import FolderObjectStore
from svc_infer.adapters.bundles import BundleLoader
from svc_infer.adapters.cache import ArtifactCache
from svc_train.recipes.base import BaseSource, TrainingJob, find_recipe
from tests.component.infer.server import Client, Server, refused
from tests.modeling.ocean_chat.talks import questions, talk_job, trained_geoformer
from upwell.client.calls import violations_of
from upwell.infer.v1 import forecast_pb2, text_pb2

pytestmark = pytest.mark.heavy


@dataclass(frozen=True, kw_only=True)
class Ocean:
    """What svc_train and svc_ingest would have stored."""

    artifacts: Artifacts
    field: Path
    asked: Path
    dataset: DatasetVersion
    forecaster: ModelVersion
    talker: ModelVersion


@pytest.fixture(scope="module")
def ocean(tmp_path_factory: pytest.TempPathFactory) -> Ocean:
    root = tmp_path_factory.mktemp("ocean")
    artifacts = Artifacts(FolderObjectStore(root / "objects"))
    parent = trained_geoformer(root)
    asked = questions(root / "questions", root / "field", samples=8)
    build_base("tiny-qwen", root / "base")
    base = artifacts.store(kind=Kind.BASE, files=base_files(root / "base"), meta={}, parents=()).digest
    job = talk_job(root / "talk", base=root / "base", asked=asked, parent=parent, max_steps=2, warmup_steps=1)
    job = replace(job, base=BaseSource(name="tiny-qwen", digest=base, folder=root / "base"))
    find_recipe("ocean-chat").train(job, lambda _: None)

    def stored(folder: Path, kind: str) -> str:
        files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        return artifacts.store(kind=kind, files=files, meta={}, parents=()).digest

    def version(name: str, job: TrainingJob | Path, base: BaseVersion) -> ModelVersion:
        folder = job if isinstance(job, Path) else job.bundle_dir
        return ModelVersion(name=name, version=1, run_id=name, bundle_digest=stored(folder, Kind.BUNDLE), base=base)

    field = DatasetVersion(name="pacific", version=1, digest=stored(root / "field", Kind.FIELD), kind=str(Kind.FIELD))
    return Ocean(
        artifacts=artifacts,
        field=root / "field",
        asked=asked,
        dataset=field,
        forecaster=version("forecaster", parent.folder, NO_BASE),
        talker=version("talker", job, BaseVersion(name="tiny-qwen", digest=base)),
    )


@pytest_asyncio.fixture
async def client(tmp_path: Path, ocean: Ocean) -> AsyncIterator[Client]:
    cache = ArtifactCache(ocean.artifacts, tmp_path / "cache")
    server = Server(tmp_path, BundleLoader(cache, device="cpu"), ocean.artifacts)
    server.catalogue.datasets["pacific"] = ocean.dataset
    for of in (ocean.forecaster, ocean.talker):
        server.catalogue.promote(of)
    await server.grpc.start()
    made = Client(server)
    yield made
    await made.channel.close()
    await server.stop()


async def test_a_forecast_goes_on_from_a_stored_dataset_or_the_same_months_sent_along(
    client: Client, ocean: Ocean
) -> None:
    named = forecast_pb2.DatasetMonths(dataset="pacific")
    request = forecast_pb2.ForecastRequest(model="forecaster", dataset=named)
    answer = await client.stub.Forecast(request, metadata=client.metadata)
    assert (answer.model.name, answer.dataset.name) == ("forecaster", "pacific")
    assert (len(answer.history_months), len(answer.fields.months)) == (6, 4)
    assert {index.name: len(index.values) for index in answer.nino}["nino34"] == 4
    fields = open_fields(ocean.field)
    sent = forecast_pb2.Fields(
        channels=fields.channels,
        latitudes=fields.lat,
        longitudes=fields.lon,
        months=answer.history_months,
        values=fields.stacked_anomalies(first=len(fields.months) - 6).ravel(),
    )
    request = forecast_pb2.ForecastRequest(model="forecaster", fields=sent)
    again = await client.stub.Forecast(request, metadata=client.metadata)
    np.testing.assert_array_equal(again.fields.values, answer.fields.values)
    shorter = forecast_pb2.ForecastRequest(model="forecaster", fields=sent, leads=2)
    assert len((await client.stub.Forecast(shorter, metadata=client.metadata)).fields.months) == 2


async def test_a_conversation_about_fields_reads_what_is_attached(client: Client, ocean: Ocean) -> None:
    row = conversation_of_line((ocean.asked / CHAT_FILE).read_bytes().splitlines()[0], "row 1")
    question = next(turn.text for turn in row.turns if GEOFORMER in turn.text)
    npz = (ocean.asked / row.features[0]).read_bytes()

    def asked(*attachments: bytes) -> text_pb2.GenerateRequest:
        return text_pb2.GenerateRequest(
            model="talker",
            messages=[text_pb2.ChatMessage(role="user", content=question)],
            max_new_tokens=6,
            attachments=[text_pb2.Attachment(mark=GEOFORMER, npz=one) for one in attachments],
        )

    whole = await client.stub.Generate(asked(npz), metadata=client.metadata)
    stream = client.stub.GenerateStream(text_pb2.GenerateStreamRequest(request=asked(npz)), metadata=client.metadata)
    assert "".join([piece.text async for piece in stream]) == whole.text
    assert 1 <= whole.tokens <= 6
    for wrong in ((), (b"no zip",)):
        error = await refused(client.stub.Generate(asked(*wrong), metadata=client.metadata))
        assert violations_of(error), error.details()

"""Previews: right buckets, one download, clear refusals."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest

from shared.runtime.artifacts import blob_key
from tests.component.ingest.running import CSV, Running, token, violations
from upwell.ingest.v1 import ingest_service_pb2 as pb


async def preview(service: Running, digest: str, **asked: Any) -> pb.PreviewResponse:
    request = pb.PreviewRequest(manifest_digest=digest, **asked)
    return await service.stub.Preview(request, metadata=token("viewer"))


async def refused(service: Running, digest: str, **asked: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await preview(service, digest, **asked)
    return caught.value


@pytest.fixture
async def digest(service: Running) -> str:
    return str((await service.ingest(CSV)).dataset.manifest_digest)


async def test_buckets_of_all_channels(service: Running, digest: str) -> None:
    answer = await preview(service, digest, buckets=4, start_row=20)
    assert (answer.rows, answer.time) == (60, "utc")
    assert [channel.channel for channel in answer.channels] == ["a", "b"]
    first = answer.channels[1].buckets[0]
    assert (first.start_row, first.min, first.max, first.count) == (20, 20.5, 29.5, 10)
    assert first.start_time == 1_704_067_220_000_000_000


async def test_a_series_is_downloaded_once(service: Running, digest: str) -> None:
    await asyncio.gather(*(preview(service, digest, channels=["a"]) for _ in range(8)))
    assert service.objects.downloads == 1


async def test_wrong_questions(service: Running, digest: str) -> None:
    assert list(violations(await refused(service, "abc"))) == ["manifest_digest"]
    assert (await refused(service, "0" * 64)).code() is grpc.StatusCode.NOT_FOUND
    assert list(violations(await refused(service, digest, channels=["c"]))) == ["channels"]
    assert list(violations(await refused(service, digest, buckets=10_001))) == ["buckets"]
    assert list(violations(await refused(service, digest, start_row=60))) == ["start_row"]
    assert list(violations(await refused(service, digest, end_row=61))) == ["end_row"]


async def test_an_answer_that_would_be_too_large(service: Running) -> None:
    names = [f"c{number}" for number in range(64)]
    rows = (f"{row}," + ",".join("1" for _ in names) for row in range(1300))
    data = "\n".join([",".join(["time", *names]), *rows]).encode()
    wide = (await service.ingest(data, time_format="index")).dataset.manifest_digest
    error = await refused(service, wide, buckets=1300)
    assert violations(error) == {"buckets": "64 channels make 83200; an answer holds 80000, so ask for fewer"}
    assert len((await preview(service, wide, buckets=1250)).channels) == 64


async def test_only_a_series_has_a_preview(service: Running, tmp_path: Path) -> None:
    file = tmp_path / "segments.parquet"
    file.write_text("x")
    manifest = service.artifacts.store(kind="segments/v1", files={file.name: file}, meta={}, parents=[])
    error = await refused(service, manifest.digest)
    assert violations(error) == {
        "manifest_digest": "this is segments/v1; only series/v1 and field/v1 have values to draw"
    }


async def test_a_damaged_file_is_refused_and_not_kept(service: Running, digest: str) -> None:
    entry = service.artifacts.manifest(digest).file("series.parquet")
    blob = service.settings.data_dir.parent / "objects" / blob_key(entry.sha256)
    whole = blob.read_bytes()
    blob.write_bytes(whole[:-1] + b"?")
    assert (await refused(service, digest)).code() is grpc.StatusCode.DATA_LOSS
    blob.write_bytes(whole)
    assert (await preview(service, digest)).rows == 60

"""A file of gridded fields over gRPC."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import grpc
import iris_sample_data
import pytest

from svc_ingest.sources.field import indices
from tests.component.ingest.running import Running, header, token, violations
from upwell.ingest.v1 import ingest_service_pb2 as pb

OSTIA = Path(iris_sample_data.path) / "ostia_monthly.nc"
CHUNK = 2**19


async def ingest(service: Running, data: bytes, **parameters: object) -> pb.IngestResponse:
    first = header(name="sst", source="", file_name="ostia_monthly.nc")
    first.header.parameters.update(parameters)
    chunks = [pb.IngestRequest(chunk=data[at : at + CHUNK]) for at in range(0, len(data), CHUNK)]
    return await service.stub.Ingest(iter([first, *chunks]), metadata=token("reviewer"))


async def test_fields_become_a_dataset_of_their_kind(service: Running) -> None:
    answer = await ingest(service, OSTIA.read_bytes(), base_start=2007, base_end=2009, resolution=2.5)
    assert answer.rows == 54
    manifest = service.artifacts.manifest(answer.dataset.manifest_digest)
    assert manifest.kind == "field/v1"
    assert "field.zarr/zarr.json" in [entry.path for entry in manifest.files]
    assert manifest.meta["base"] == {"start": "2007-01", "end": "2009-12"}
    assert manifest.meta["channels"] == [{"name": "sst", "units": "degC"}]
    assert manifest.meta["indices"] == ["nino3", "nino34", "nino4"]
    again = await ingest(service, OSTIA.read_bytes(), base_start="2007", base_end="2009", resolution=2.5)
    assert again.dataset.manifest_digest == answer.dataset.manifest_digest
    assert service.left_over() == []


async def test_a_preview_shows_its_nino_indices(service: Running) -> None:
    digest = (await ingest(service, OSTIA.read_bytes(), resolution=2.5)).dataset.manifest_digest
    asked = pb.PreviewRequest(manifest_digest=digest, channels=["nino34"], buckets=54)
    answer = await service.stub.Preview(asked, metadata=token("viewer"))
    assert (answer.rows, answer.time) == (54, "utc")
    (nino34,) = answer.channels
    warmest = max(nino34.buckets, key=lambda bucket: bucket.max)
    assert 1 < warmest.max < 2
    assert datetime.fromtimestamp(warmest.start_time / 1e9, UTC).strftime("%Y-%m") in {"2009-11", "2009-12", "2010-01"}
    whole = await service.stub.Preview(pb.PreviewRequest(manifest_digest=digest), metadata=token("viewer"))
    assert [channel.channel for channel in whole.channels] == ["nino3", "nino34", "nino4"]
    assert service.left_over() == []


async def test_a_field_without_a_nino_box_has_no_preview(service: Running, monkeypatch) -> None:
    digest = (await ingest(service, OSTIA.read_bytes(), lon_min=200, lon_max=209)).dataset.manifest_digest
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.stub.Preview(pb.PreviewRequest(manifest_digest=digest), metadata=token("viewer"))
    assert "this one has no sst in a Nino box" in violations(caught.value)["manifest_digest"]
    monkeypatch.setattr(indices, "MOST_BYTES", 1000)
    digest = (await ingest(service, OSTIA.read_bytes())).dataset.manifest_digest
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.stub.Preview(pb.PreviewRequest(manifest_digest=digest), metadata=token("viewer"))
    assert "a preview reads at most 1000" in violations(caught.value)["manifest_digest"]


async def test_what_is_wrong_is_named(service: Running) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ingest(service, OSTIA.read_bytes()[:-50_000])
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert list(violations(caught.value)) == ["file"]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ingest(service, OSTIA.read_bytes(), land_under=3)
    assert list(violations(caught.value)) == ["parameters.land_under"]
    assert service.left_over() == []

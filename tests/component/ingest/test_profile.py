"""A profile of tools over gRPC, and parameters of sources."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest

from tests.component.ingest.running import Running, header, token, violations
from upwell.ingest.v1 import ingest_service_pb2 as pb
from upwell.profile_grid import write_grid


async def test_a_profile_becomes_a_dataset_of_its_kind(service: Running, tmp_path: Path) -> None:
    path = tmp_path / "grid.profile.zip"
    write_grid(path)
    parts = [header(name="tools", source="", file_name=path.name), pb.IngestRequest(chunk=path.read_bytes())]
    answer = await service.stub.Ingest(iter(parts), metadata=token("reviewer"))
    manifest = service.artifacts.manifest(answer.dataset.manifest_digest)
    assert (answer.rows, manifest.kind, manifest.meta["tools"]) == (1701, "profile/v1", 7)
    assert sorted(entry.path for entry in manifest.files) == ["profile.parquet", "tools.json"]
    assert service.left_over() == []


@pytest.mark.parametrize(("source", "file_name"), [("profile", "a.zip"), ("csv", "a.csv")])
async def test_parameters_that_a_source_does_not_take_are_refused_before_any_byte(
    service: Running, source: str, file_name: str
) -> None:
    first = header(source=source, file_name=file_name)
    first.header.parameters.update({"size": 3})
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.stub.Ingest(iter([first]), metadata=token("reviewer"))
    assert list(violations(caught.value)) == ["parameters.size"]
    assert await service.jobs() == []


async def test_a_parameter_that_is_no_number_is_told_by_field(service: Running) -> None:
    first = header(source="profile", file_name="a.zip")
    first.header.parameters.update({"size": float("nan")})
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.stub.Ingest(iter([first]), metadata=token("reviewer"))
    assert violations(caught.value).keys() == {"parameters"}

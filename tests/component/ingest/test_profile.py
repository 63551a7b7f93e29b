"""A profile of tools over gRPC, and parameters of sources."""

from __future__ import annotations

from pathlib import Path

import grpc
import polars as pl
import pytest

from tests.component.ingest.running import CSV, Running, header, token, violations
from upwell.ingest.v1 import ingest_service_pb2 as pb
from upwell.ingest.v1 import table_pb2
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


async def test_sources_are_listed_with_what_they_take_and_make(service: Running) -> None:
    answer = await service.stub.ListSources(pb.ListSourcesRequest(), metadata=token("viewer"))
    found = {source.name: source for source in answer.sources}
    assert {"chat", "csv", "field", "parquet", "profile"} <= set(found)
    assert list(found) == sorted(found)
    assert all(source.summary.endswith(".") for source in answer.sources)
    assert (found["csv"].makes, list(found["csv"].parameters)) == ("series/v1", [])
    field = found["field"]
    assert (field.makes, list(field.endings)) == ("field/v1", [".nc", ".nc4", ".nc.zip", ".zarr.zip"])
    assert [one.name for one in field.parameters][:4] == ["variables", "units", "anomalies", "lat_min"]
    parameters = {one.name: one for one in field.parameters}
    assert all(one.help for one in field.parameters)
    resolution = parameters["resolution"]
    assert (resolution.type, resolution.default_value.number_value, resolution.low, resolution.high) == (
        "float",
        0,
        0,
        20,
    )
    assert not parameters["units"].HasField("low")
    assert list(parameters["gaps"].choices) == ["refuse", "missing"]


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
    first = header(source="field", file_name="a.nc")
    first.header.parameters.update({"resolution": float("nan")})
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.stub.Ingest(iter([first]), metadata=token("reviewer"))
    assert violations(caught.value) == {"parameters.resolution": "nan is not a finite number"}


async def rows_of(service: Running, digest: str, **asked: int) -> table_pb2.PreviewRowsResponse:
    request = table_pb2.PreviewRowsRequest(manifest_digest=digest, **asked)
    return await service.stub.PreviewRows(request, metadata=token("viewer"))


async def test_a_preview_of_labels_counts_their_segments(service: Running, tmp_path: Path) -> None:
    path = tmp_path / "segments.parquet"
    texts = {name: ["泵", "阀"] for name in ("series", "channel", "label", "labeler", "reviewer")}
    pl.DataFrame({"start_row": [3, 70], "end_row": [5, 71], "confidence": [0.7, 1.0], **texts}).write_parquet(path)
    kept = service.artifacts.store(kind="segments/v1", files={path.name: path}, meta={"segment_count": 2}, parents=())
    answer = await rows_of(service, kept.digest, start_row=1)
    assert (answer.rows, list(answer.columns)[:4]) == (2, ["series", "start_row", "end_row", "channel"])
    assert [list(row.cells) for row in answer.shown] == [["阀", "70", "71", "阀", "阀", "1", "阀", "阀"]]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await rows_of(service, kept.digest, start_row=2)
    assert violations(caught.value) == {"start_row": "2 is not a row of the dataset, which has 2"}


async def test_a_preview_shows_rows_and_refuses_what_has_none(service: Running, tmp_path: Path) -> None:
    path = tmp_path / "grid.profile.zip"
    write_grid(path)
    parts = [header(name="tools", source="", file_name=path.name), pb.IngestRequest(chunk=path.read_bytes())]
    profile = (await service.stub.Ingest(iter(parts), metadata=token("reviewer"))).dataset.manifest_digest
    series = (await service.ingest(CSV)).dataset.manifest_digest
    answer = await rows_of(service, profile)
    assert (answer.rows, len(answer.shown), answer.columns[0]) == (1701, 10, "config_id")
    last = await rows_of(service, profile, start_row=1700, count=100)
    assert [row.cells[0] for row in last.shown] == ["1700"]
    for digest, asked, field in (
        (profile, {"start_row": 1701}, "start_row"),
        (profile, {"count": 101}, "count"),
        (series, {}, "manifest_digest"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await rows_of(service, digest, **asked)
        assert list(violations(caught.value)) == [field]

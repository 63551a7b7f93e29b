"""Imports and jobs over gRPC, and requests from the bus."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from shared.errors import InvalidInputError
from svc_ingest.adapters.store import SqlIngestStore
from svc_ingest.bootstrap import assemble
from svc_ingest.handlers import take_events
from tests.component.ingest.running import CSV, Running, token, violations
from tests.support.fake_bus import FakeBus
from upwell.common.v1 import common_pb2 as common
from upwell.ingest.v1 import events_pb2 as events
from upwell.ingest.v1 import ingest_service_pb2 as pb


async def start(service: Running, role: str = "reviewer", **asked: Any) -> str:
    request = pb.StartImportRequest(request=events.IngestRequested(**{"name": "pump", "path": "pump.csv", **asked}))
    answer = await service.stub.StartImport(request, metadata=token(role))
    return str(answer.job_id)


async def refused(service: Running, **asked: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await start(service, **asked)
    return caught.value


@pytest.fixture
def file(service: Running) -> None:
    (service.settings.import_dir / "pump.csv").write_bytes(CSV)


@pytest.mark.usefixtures("file")
async def test_an_import_is_recorded_and_can_be_asked_for(service: Running) -> None:
    job_id = await start(service)
    answer = await service.stub.GetJob(pb.GetJobRequest(job_id=job_id), metadata=token("viewer"))
    assert (answer.job.name, answer.job.origin) == ("pump", "import:pump.csv")
    assert answer.job.state == common.WORK_STATE_QUEUED
    assert answer.job.HasField("created_at")
    assert not answer.job.HasField("dataset")
    assert service.events() == []


@pytest.mark.usefixtures("file")
async def test_a_clients_id_is_one_job(service: Running) -> None:
    assert await start(service, job_id="mine") == await start(service, job_id="mine", source="csv") == "mine"
    assert [job.job_id for job in await service.jobs()] == ["mine"]
    error = await refused(service, job_id="mine", name="other")
    assert error.code() is grpc.StatusCode.ALREADY_EXISTS


async def test_what_escapes_the_import_folder_is_refused(service: Running) -> None:
    outside = service.settings.import_dir.parent / "secret.csv"
    outside.write_bytes(CSV)
    (service.settings.import_dir / "link.csv").symlink_to(outside)
    for path in ("../secret.csv", str(outside), "link.csv", "a/../../secret.csv", "", "a\0.csv"):
        error = await refused(service, path=path, source="csv")
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT, path
        assert list(violations(error)) == ["path"]
    assert (await refused(service, path="missing.csv")).code() is grpc.StatusCode.NOT_FOUND
    assert await service.jobs() == []
    assert service.events() == []


@pytest.mark.usefixtures("file")
async def test_wrong_fields_and_roles_are_refused(service: Running) -> None:
    assert list(violations(await refused(service, name="no name"))) == ["name"]
    assert list(violations(await refused(service, job_id="no id"))) == ["job_id"]
    assert list(violations(await refused(service, source="fax"))) == ["source"]
    bad_options = events.ReadOptions(time_format="stardate", encoding="rot13")
    assert set(violations(await refused(service, options=bad_options))) == {
        "options.time_format",
        "options.encoding",
    }
    assert (await refused(service, role="viewer")).code() is grpc.StatusCode.PERMISSION_DENIED


async def test_jobs_that_are_not_there(service: Running) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.stub.GetJob(pb.GetJobRequest(job_id="nobody"), metadata=token("viewer"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.stub.ListJobs(pb.ListJobsRequest(page_size=1001), metadata=token("viewer"))
    assert list(violations(caught.value)) == ["page_size"]


@pytest.fixture
def bus(service: Running) -> FakeBus:
    bus = FakeBus()
    store = SqlIngestStore(service.database, source="svc_ingest")
    parts = assemble(service.settings, store=store, artifacts=service.artifacts)
    take_events(bus, parts.imports)  # type: ignore[arg-type]
    return bus


@pytest.mark.usefixtures("file")
async def test_requests_on_the_bus_are_recorded_or_refused_aloud(service: Running, bus: FakeBus) -> None:
    for _ in range(2):
        good = b'{"name": "pump", "path": "pump.csv"}'
        await bus.deliver(events.IngestRequested, good, **{"ce-id": "any text; even this"})
    assert len(await service.jobs()) == 1

    with pytest.raises(InvalidInputError):
        await bus.deliver(events.IngestRequested, b'{"job_id": "bad", "name": "pump", "path": "../pump.csv"}')
    ((subject, body),) = service.events()
    assert (subject, body["jobId"], body["failure"]["cause"]) == ("ingest.failed", "bad", "invalid_input")


@pytest.mark.parametrize("number", ["NaN", "-Infinity"])
async def test_a_number_that_json_does_not_know_is_refused_aloud(service: Running, bus: FakeBus, number: str) -> None:
    asked = '{"job_id": "j", "name": "sst", "path": "sst.nc", "source": "field", "parameters": {"base_start": %s}}'
    with pytest.raises(InvalidInputError, match=r"^parameters\.base_start: -?(nan|inf) is not a"):
        await bus.deliver(events.IngestRequested, (asked % number).encode())
    ((subject, body),) = service.events()
    assert (subject, body["jobId"], body["name"]) == ("ingest.failed", "j", "sst")
    assert await service.jobs() == []


async def test_a_request_with_an_unknown_field_is_refused_aloud(service: Running, bus: FakeBus) -> None:
    with pytest.raises(InvalidInputError, match='no field named "file"'):
        await bus.deliver(events.IngestRequested, b'{"job_id": "j", "name": "pump", "file": "pump.csv"}')
    ((subject, body),) = service.events()
    assert (subject, body["jobId"], body["name"]) == ("ingest.failed", "j", "pump")
    assert 'no field named "file"' in body["failure"]["reason"]
    assert body["failure"]["cause"] == "invalid_input"

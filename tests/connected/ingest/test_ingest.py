"""svc_ingest beside a real bus, object store and registry."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.support.bus import events_on, publish, stream_messages
from tests.support.servers import Servers, Service, wait_until
from upwell.common.v1 import common_pb2 as common
from upwell.ingest.v1 import ingest_service_pb2 as pb
from upwell.ingest.v1 import ingest_service_pb2_grpc as pb_grpc
from upwell.local.ports import choose_ports
from upwell.permissions import CLIENT
from upwell.registry.v1 import registry_service_pb2 as registry_pb
from upwell.registry.v1 import registry_service_pb2_grpc as registry_grpc

pytestmark = [pytest.mark.connected, pytest.mark.timeout(120)]

CSV = b"time,a,b\n" + b"".join(b"2024-01-01T00:00:%02d,%d,%d.5\n" % (i, i, i) for i in range(60))
LEASE_S = "1.5"


class Loop:
    """svc_ingest and svc_registry, asked as a person would ask them."""

    def __init__(self, servers: Servers) -> None:
        self.servers = servers
        self.registry = servers.run_service("svc_registry")
        self.ingest = self.run_ingest()
        self.metadata = (("authorization", f"Bearer {servers.client_environment['UPWELL_TOKEN']}"),)

    def run_ingest(self, port: int | None = None) -> Service:
        return self.servers.run_service("svc_ingest", port=port, UPWELL_LEASE_SECONDS=LEASE_S)

    def stop(self) -> None:
        self.ingest.kill()
        self.registry.kill()

    def stream(self, parts: Iterator[pb.IngestRequest]) -> pb.IngestResponse:
        with grpc.insecure_channel(self.ingest.address) as channel:
            return pb_grpc.IngestServiceStub(channel).Ingest(parts, metadata=self.metadata, timeout=60)

    def job(self, job_id: str) -> pb.IngestJob | None:
        with grpc.insecure_channel(self.ingest.address) as channel:
            stub = pb_grpc.IngestServiceStub(channel)
            try:
                return stub.GetJob(pb.GetJobRequest(job_id=job_id), metadata=self.metadata, timeout=5).job
            except grpc.RpcError:
                return None

    def request(self, job_id: str, name: str, path: str, **asked: Any) -> None:
        """Ask on the bus with plain JSON."""
        body = {"jobId": job_id, "name": name, "path": path, **asked}
        publish(self.servers, CLIENT, "ingest.requested", json.dumps(body).encode())

    def file(self, name: str, content: bytes = CSV) -> Path:
        """A file in the import folder."""
        path = self.servers.folder.imports / name
        path.write_bytes(content)
        return path

    def versions(self, name: str) -> dict[int, str]:
        """Version number -> digest, as the registry has them."""
        with grpc.insecure_channel(self.registry.address) as channel:
            stub = registry_grpc.RegistryServiceStub(channel)
            request = registry_pb.ListDatasetsRequest(name=name)
            found = stub.ListDatasets(request, metadata=self.metadata, timeout=5).datasets
            return {dataset.ref.version: dataset.ref.manifest_digest for dataset in found}

    def ended(self, job_id: str, within_s: float = 30) -> pb.IngestJob:
        final = (common.WORK_STATE_COMPLETED, common.WORK_STATE_FAILED)

        def look() -> pb.IngestJob | None:
            job = self.job(job_id)
            return job if job is not None and job.state in final else None

        job: pb.IngestJob = wait_until(look, within_s, self.ingest.log_tail)
        return job


@pytest.fixture(scope="module")
def loop(servers: Servers) -> Iterator[Loop]:
    loop = Loop(servers)
    yield loop
    loop.stop()


@pytest.fixture
def name() -> str:
    return f"pump-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def big_csv() -> bytes:
    """Takes seconds to read, so that there is a middle to end it in."""
    rows = (f"{row},{row % 97},{row % 89}.25,{row % 83}.5\n" for row in range(1_000_000))
    return ("time,a,b,c\n" + "".join(rows)).encode()


def parts(name: str, data: bytes) -> Iterator[pb.IngestRequest]:
    yield pb.IngestRequest(header=pb.IngestHeader(name=name, source="csv", file_name="pump.csv"))
    for start in range(0, len(data), 2**20):
        yield pb.IngestRequest(chunk=data[start : start + 2**20])


def produced(loop: Loop, name: str) -> list[dict[str, Any]]:
    return [body for body in events_on(loop.servers, "dataset.produced") if body["name"] == name]


def test_a_streamed_file_becomes_versions_by_its_content(loop: Loop, name: str) -> None:
    first = loop.stream(parts(name, CSV)).dataset.manifest_digest
    wait_until(lambda: loop.versions(name) == {1: first}, 30, loop.registry.log_tail)
    assert loop.stream(parts(name, CSV)).dataset.manifest_digest == first
    changed = loop.stream(parts(name, CSV + b"2024-01-02,1,1\n")).dataset.manifest_digest
    wait_until(lambda: loop.versions(name) == {1: first, 2: changed}, 30, loop.registry.log_tail)


def test_a_request_on_the_bus_becomes_a_version(loop: Loop, name: str) -> None:
    loop.file(f"{name}.csv")
    for _ in range(3):
        loop.request(f"job-{name}", name, f"{name}.csv", options={"timezone": "Asia/Shanghai"})
    job = loop.ended(f"job-{name}")
    assert job.state == common.WORK_STATE_COMPLETED, job
    wait_until(lambda: loop.versions(name) == {1: job.dataset.manifest_digest}, 30, loop.registry.log_tail)
    assert [body["producer"] for body in produced(loop, name)] == [f"svc_ingest/job-{name}"]


def test_a_bad_file_fails_the_job_and_says_where(loop: Loop, name: str) -> None:
    loop.file(f"{name}.csv", b"time,a\n2024-01-01,1\n2024-01-02,high\n")
    loop.request(f"job-{name}", name, f"{name}.csv")
    job = loop.ended(f"job-{name}")
    assert job.state == common.WORK_STATE_FAILED
    assert "line 3" in job.failure.reason

    def failures() -> list[dict[str, Any]]:
        return [body for body in events_on(loop.servers, "ingest.failed") if body["jobId"] == f"job-{name}"]

    (failure,) = wait_until(failures, 30)
    assert failure["failure"]["reason"] == job.failure.reason
    assert produced(loop, name) == []


def test_what_escapes_the_folder_is_a_dead_letter_and_an_event(loop: Loop, name: str) -> None:
    loop.request(f"job-{name}", name, "../svc_ingest/svc_ingest.db", source="csv")

    def letters() -> list[str]:
        return [
            headers["upwell-reason"] for _, body, headers in stream_messages(loop.servers, "DEAD") if name in str(body)
        ]

    (reason,) = wait_until(letters, 30, loop.ingest.log_tail)
    assert "may not hold '..'" in reason
    failed = wait_until(lambda: [body for body in events_on(loop.servers, "ingest.failed") if body["name"] == name], 30)
    assert [body["jobId"] for body in failed] == [f"job-{name}"]
    assert loop.job(f"job-{name}") is None


def test_a_kill_in_the_middle_is_made_good_once(loop: Loop, name: str, big_csv: bytes) -> None:
    loop.file(f"{name}.csv", big_csv)
    loop.request(f"job-{name}", name, f"{name}.csv", options={"timeFormat": "index"})
    running = wait_until(lambda: is_running(loop, f"job-{name}"), 30, every_s=0.01)
    loop.ingest.kill()
    assert running.attempt == 1
    assert produced(loop, name) == []

    loop.ingest.start()
    job = loop.ended(f"job-{name}")
    assert (job.state, job.attempt) == (common.WORK_STATE_COMPLETED, 2), job
    wait_until(lambda: loop.versions(name) == {1: job.dataset.manifest_digest}, 30, loop.registry.log_tail)
    assert len(produced(loop, name)) == 1
    scratch = loop.servers.folder.of("svc_ingest") / "scratch"
    assert [path for path in scratch.rglob("*") if path.name == "series.parquet"] == []


def is_running(loop: Loop, job_id: str) -> pb.IngestJob | None:
    job = loop.job(job_id)
    return job if job is not None and job.state == common.WORK_STATE_RUNNING else None


def test_sigterm_in_the_middle_of_an_import_and_of_a_stream_loses_nothing(
    loop: Loop, name: str, big_csv: bytes
) -> None:
    loop.file(f"{name}.csv", big_csv)
    loop.request(f"job-{name}", name, f"{name}.csv", options={"timeFormat": "index"})
    half_sent, may_go_on = threading.Event(), threading.Event()

    def slowly() -> Iterator[pb.IngestRequest]:
        header, chunk = parts(f"{name}-streamed", CSV)
        yield header
        yield pb.IngestRequest(chunk=chunk.chunk[:100])
        half_sent.set()
        may_go_on.wait(20)
        yield pb.IngestRequest(chunk=chunk.chunk[100:])

    with ThreadPoolExecutor(2) as pool:
        streaming = pool.submit(loop.stream, slowly())
        assert half_sent.wait(10)
        wait_until(lambda: is_running(loop, f"job-{name}"), 30, every_s=0.01)
        stopping = pool.submit(loop.ingest.terminate)
        may_go_on.set()
        streamed = streaming.result(30)
        assert stopping.result(30) == 0, loop.ingest.log_tail()

    loop.ingest.start()
    job = loop.ended(f"job-{name}")
    assert job.state == common.WORK_STATE_COMPLETED, job
    wait_until(lambda: loop.versions(name) == {1: job.dataset.manifest_digest}, 30)
    wait_until(lambda: loop.versions(f"{name}-streamed") == {1: streamed.dataset.manifest_digest}, 30)
    assert len(produced(loop, name)) == 1


def test_two_replicas_share_the_requests(loop: Loop, name: str, big_csv: bytes) -> None:
    # Long enough that one replica cannot be done with all before the other has looked.
    some = big_csv[: big_csv.index(b"\n200000,") + 1]
    second = loop.run_ingest(port=choose_ports(["second"], {})["second"])
    try:
        for number in range(12):
            loop.file(f"{name}-{number}.csv", some + b"200000,%d,1,1\n" % number)
            options = {"timeFormat": "index"}
            loop.request(f"job-{name}-{number}", f"{name}-{number}", f"{name}-{number}.csv", options=options)
        jobs = [loop.ended(f"job-{name}-{number}") for number in range(12)]
        assert {(job.state, job.attempt) for job in jobs} == {(common.WORK_STATE_COMPLETED, 1)}
        digests = [{1: job.dataset.manifest_digest} for job in jobs]
        wait_until(lambda: [loop.versions(f"{name}-{number}") for number in range(12)] == digests, 20)
        for service in (loop.ingest, second):
            assert f"job-{name}-" in service.log_tail(), "each replica has done some of the work"
    finally:
        second.kill()


def test_an_object_store_that_is_down_is_waited_for(loop: Loop, name: str) -> None:
    loop.file(f"{name}.csv")
    loop.servers.stop_server("s3")
    try:
        with pytest.raises(grpc.RpcError) as caught:
            loop.stream(parts(f"{name}-streamed", CSV + b"2024-01-03,1,1\n"))
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        loop.request(f"job-{name}", name, f"{name}.csv", options={"timezone": "Europe/Paris"})
        job = wait_until(lambda: waiting(loop, f"job-{name}"), 20, loop.ingest.log_tail)
        assert job.state in {common.WORK_STATE_QUEUED, common.WORK_STATE_RUNNING}
    finally:
        loop.servers.start_server("s3")
    job = loop.ended(f"job-{name}", 60)
    assert job.state == common.WORK_STATE_COMPLETED, job
    wait_until(lambda: loop.versions(name) == {1: job.dataset.manifest_digest}, 30)


def waiting(loop: Loop, job_id: str) -> pb.IngestJob | None:
    job = loop.job(job_id)
    return job if job is not None and job.attempt >= 1 else None

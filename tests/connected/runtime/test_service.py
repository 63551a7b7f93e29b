"""A whole service against real servers: outbox after a crash, drain on SIGTERM, dependencies that go and come."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from pathlib import Path

import grpc
import pytest

from shared.contracts.versions import DatasetVersion
from shared.errors import NotFoundError, UnavailableError
from shared.runtime.artifacts import Artifacts
from shared.runtime.catalogue import RegistryCatalogue
from shared.runtime.object_store import object_store_for
from shared.runtime.settings import ServiceSettings
from tests.support.bus import events_on, publish, stream_messages
from tests.support.servers import Servers, Service, wait_until
from upwell.registry.v1 import registry_service_pb2 as pb
from upwell.registry.v1 import registry_service_pb2_grpc as pb_grpc

pytestmark = pytest.mark.connected

# A service that commits a fact and dies before its relay has run.
CRASHED_COMMIT = """
import os, sys
from shared.runtime.artifacts import Artifacts
from shared.runtime.database import database_for
from shared.runtime.migrations import migrate
from shared.runtime.object_store import object_store_for
from svc_registry.adapters.store import SqlRegistryStore
from svc_registry.bootstrap import MIGRATIONS
from svc_registry.settings import RegistrySettings
from svc_registry.use_cases.registering import register_dataset
settings = RegistrySettings()
database = database_for(settings, service="svc_registry")
migrate(database, MIGRATIONS)
store = SqlRegistryStore(database, source="svc_registry")
name, digest = sys.argv[1:]
register_dataset(store, Artifacts(object_store_for(settings)), name=name, kind="series/v1", digest=digest, producer="")
os._exit(9)
"""


def settings_of(servers: Servers, service: str = "svc_label") -> ServiceSettings:
    environment = servers.environment(service)
    fields = {key.removeprefix("UPWELL_").lower(): value for key, value in environment.items()}
    return ServiceSettings(**{key: value for key, value in fields.items() if key in ServiceSettings.model_fields})  # type: ignore[arg-type]


def stored_series(servers: Servers, tmp_path: Path, content: str = "values") -> str:
    """The digest of a manifest in the object store."""
    settings = settings_of(servers)
    store = object_store_for(settings)
    store.ensure_bucket()
    file = tmp_path / "series.parquet"
    file.write_text(content)
    manifest = Artifacts(store).store(
        kind="series/v1", files={"series.parquet": file}, meta={"rows": 1}, parents=["source/file:a.csv"]
    )
    return manifest.digest


def produced(name: str, digest: str) -> bytes:
    return json.dumps({"name": name, "kind": "series/v1", "manifestDigest": digest}).encode()


@pytest.fixture
def registry(servers: Servers) -> Service:
    return servers.run_service("svc_registry")


def registered(catalogue: RegistryCatalogue, reference: str) -> DatasetVersion | None:
    try:
        return catalogue.dataset(reference)
    except (NotFoundError, UnavailableError):
        return None


def test_an_event_committed_before_a_crash_is_published_after_it(servers: Servers, tmp_path: Path) -> None:
    name = f"crash-{uuid.uuid4().hex[:8]}"
    digest = stored_series(servers, tmp_path)
    command = [sys.executable, "-c", CRASHED_COMMIT, name, digest]
    ended = subprocess.run(command, env=servers.environment("svc_registry"), check=False, cwd=Path.cwd())
    assert ended.returncode == 9
    assert not [body for body in events_on(servers, "dataset.registered") if body["dataset"]["name"] == name]

    service = servers.run_service("svc_registry")
    try:
        (event,) = wait_until(
            lambda: [body for body in events_on(servers, "dataset.registered") if body["dataset"]["name"] == name], 10
        )
        assert event["dataset"] == {"name": name, "version": 1, "manifestDigest": digest}
    finally:
        service.kill()


def test_sigterm_drains_and_exits_with_zero(servers: Servers, registry: Service, tmp_path: Path) -> None:
    digest = stored_series(servers, tmp_path)
    names = [f"drain-{number}-{uuid.uuid4().hex[:6]}" for number in range(30)]
    for name in names:
        publish(servers, "svc_ingest", "dataset.produced", produced(name, digest))
    assert registry.terminate() == 0

    again = servers.run_service("svc_registry")
    try:
        catalogue = RegistryCatalogue(settings_of(servers))
        for name in names:
            found = wait_until(lambda name=name: registered(catalogue, name), 15)
            assert found.version == 1
    finally:
        again.kill()


@pytest.mark.timeout(300)
def test_the_object_store_down_for_a_minute_costs_no_event(servers: Servers, registry: Service, tmp_path: Path) -> None:
    digest = stored_series(servers, tmp_path)
    name = f"patient-{uuid.uuid4().hex[:8]}"
    dead_before = len(stream_messages(servers, "DEAD"))
    servers.stop_server("s3")
    try:
        publish(servers, "svc_ingest", "dataset.produced", produced(name, digest))
        catalogue = RegistryCatalogue(settings_of(servers))
        with pytest.raises(AssertionError):
            wait_until(lambda: registered(catalogue, name), 60, every_s=1.0)
        assert registry.is_ready()
    finally:
        servers.start_server("s3")
    found = wait_until(lambda: registered(catalogue, name), 110, registry.log_tail)
    assert found.version == 1
    assert len(stream_messages(servers, "DEAD")) == dead_before
    registry.kill()


@pytest.mark.timeout(180)
def test_the_bus_killed_costs_no_event(servers: Servers, registry: Service, tmp_path: Path) -> None:
    digest = stored_series(servers, tmp_path)
    first, second = (f"bus-{uuid.uuid4().hex[:8]}" for _ in range(2))
    publish(servers, "svc_ingest", "dataset.produced", produced(first, digest))
    servers.kill("nats")
    catalogue = RegistryCatalogue(settings_of(servers))
    assert wait_until(lambda: registered(catalogue, first), 30, registry.log_tail).version == 1
    wait_until(lambda: publish(servers, "svc_ingest", "dataset.produced", produced(second, digest)), 20)
    assert wait_until(lambda: registered(catalogue, second), 30, registry.log_tail).version == 1
    registry.kill()


def test_tokens_roles_and_errors_over_grpc(servers: Servers, registry: Service) -> None:
    with grpc.insecure_channel(registry.address) as channel:
        stub = pb_grpc.RegistryServiceStub(channel)

        def refused(request: object, **call: object) -> grpc.RpcError:
            with pytest.raises(grpc.RpcError) as caught:
                stub.GetDataset(request, timeout=5, **call)
            return caught.value

        request = pb.GetDatasetRequest(reference="a b")
        assert refused(request).code() is grpc.StatusCode.UNAUTHENTICATED
        wrong = [("authorization", "Bearer wrong")]
        assert refused(request, metadata=wrong).code() is grpc.StatusCode.UNAUTHENTICATED
        right = [("authorization", f"Bearer {servers.client_environment['UPWELL_TOKEN']}")]
        bad = refused(request, metadata=right)
        assert bad.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "'a b' is not a name" in bad.details()
        assert any(key == "grpc-status-details-bin" for key, _ in bad.trailing_metadata())
        missing = refused(pb.GetDatasetRequest(reference="nothing"), metadata=right)
        assert missing.code() is grpc.StatusCode.NOT_FOUND
        with pytest.raises(grpc.RpcError) as late:
            stub.GetDataset(request, timeout=-1, metadata=right)
        assert late.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    registry.kill()

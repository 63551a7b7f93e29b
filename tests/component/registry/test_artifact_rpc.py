"""ArtifactService over gRPC: roles, and bad input field by field, over a folder of objects."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from pydantic import SecretStr

from shared.contracts.canonical import sha256_hex
from shared.errors import StateError, UnavailableError
from shared.runtime.artifacts import Artifacts, blob_key
from shared.runtime.auth import authenticator_for
from shared.runtime.database import Database
from shared.runtime.grpc_server import GrpcServer
from shared.runtime.migrations import migrate
from shared.runtime.object_store import FolderObjectStore
from shared.runtime.presign import Signer
from svc_registry.adapters.blobs import ObjectBlobs
from svc_registry.adapters.checksums import checksum_probe
from svc_registry.adapters.store import SqlRegistryStore
from svc_registry.bootstrap import MIGRATIONS
from svc_registry.rpc.artifacts import artifact_rpc
from svc_registry.settings import DEFAULT_PORT, RegistrySettings
from upwell.local.ports import choose_ports
from upwell.registry.v1 import artifact_service_pb2 as pb
from upwell.registry.v1 import artifact_service_pb2_grpc as pb_grpc

TOKENS = {"vera": "viewer", "tom": "trainer", "root": "admin"}
SIGNER = Signer(endpoint="http://files.example", bucket="b", region="r", access_key="a", secret_key="s")
BLOB = pb.UploadBlob(sha256="a" * 64, size_bytes=1)


class Served:
    """The service and its callers."""

    def __init__(self, stub: pb_grpc.ArtifactServiceStub, objects: FolderObjectStore) -> None:
        self._stub = stub
        self.objects = objects

    async def call(self, method: str, request, *, as_: str = "tom"):
        behaviour = getattr(self._stub, method)
        answer = behaviour(request, metadata=(("authorization", f"Bearer token-{as_}"),), timeout=20)
        return [one async for one in answer] if method in {"Verify", "CollectGarbage"} else await answer

    async def refused(self, method: str, request, *, as_: str = "tom") -> tuple[grpc.StatusCode, str, list[str]]:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self.call(method, request, as_=as_)
        details = dict(caught.value.trailing_metadata() or ()).get("grpc-status-details-bin")
        bad = error_details_pb2.BadRequest()
        if details:
            status_pb2.Status.FromString(details).details[0].Unpack(bad)
        fields = [violation.field for violation in bad.field_violations]
        return caught.value.code(), caught.value.details() or "", fields


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    database = Database(f"sqlite:///{tmp_path / 'registry.db'}", schema="svc_registry")
    migrate(database, MIGRATIONS)
    objects = FolderObjectStore(tmp_path / "objects")
    blobs = ObjectBlobs(objects, SIGNER, lasts=timedelta(hours=1), check_uploads=lambda: None)
    tokens = ",".join(f"{name}:{role}:token-{name}" for name, role in TOKENS.items())
    settings = RegistrySettings(grpc_port=choose_ports(("registry",), {})["registry"], tokens=SecretStr(tokens))
    rpc = artifact_rpc(SqlRegistryStore(database, source="svc_registry"), Artifacts(objects), blobs)
    server = GrpcServer(settings, default_port=DEFAULT_PORT, rpcs=[rpc], auth=authenticator_for(settings))
    await server.start()
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield Served(pb_grpc.ArtifactServiceStub(channel), objects)
    await server.stop(0)
    database.dispose()


@pytest.mark.parametrize(
    ("method", "request_", "as_", "needs"),
    [
        ("StartUpload", pb.StartUploadRequest(blobs=[BLOB]), "vera", "trainer"),
        ("FinishUpload", pb.FinishUploadRequest(), "vera", "trainer"),
        ("CollectGarbage", pb.CollectGarbageRequest(), "tom", "admin"),
    ],
)
async def test_who_may_do_what(served: Served, method, request_, as_, needs):
    code, message, _ = await served.refused(method, request_, as_=as_)
    assert code is grpc.StatusCode.PERMISSION_DENIED
    assert f"needs {needs}" in message


async def test_viewers_verify_and_admins_collect(served: Served):
    assert await served.call("Verify", pb.VerifyRequest(all=True), as_="vera") == []
    (sums,) = await served.call("CollectGarbage", pb.CollectGarbageRequest(delete=True), as_="root")
    assert sums == pb.CollectGarbageResponse()


def upload(**changed) -> pb.FinishUploadRequest:
    file = {"path": "f", "sha256": sha256_hex(b"x"), "size_bytes": 1}
    values = {"name": "pump", "kind": "series/v1", "files": [pb.UploadedFile(**file)], **changed}
    return pb.FinishUploadRequest(**values)


def file(**changed) -> list[pb.UploadedFile]:
    return [pb.UploadedFile(**{"path": "f", "sha256": sha256_hex(b"x"), "size_bytes": 1, **changed})]


@pytest.mark.parametrize(
    ("method", "request_", "field", "says"),
    [
        ("GetDownload", pb.GetDownloadRequest(), "version", "dataset, model, base"),
        ("GetDownload", pb.GetDownloadRequest(dataset="a", page_token="x"), "page_token", "'x'"),
        ("GetDownload", pb.GetDownloadRequest(model="a b"), "reference", "is not a name"),
        ("StartUpload", pb.StartUploadRequest(), "blobs", "1 to 1000"),
        ("StartUpload", pb.StartUploadRequest(blobs=[BLOB] * 1001), "blobs", "1001 are asked for"),
        ("StartUpload", pb.StartUploadRequest(blobs=[BLOB, pb.UploadBlob(sha256="A")]), "blobs[1].sha256", "'A'"),
        (
            "StartUpload",
            pb.StartUploadRequest(blobs=[pb.UploadBlob(sha256="a" * 64, size_bytes=5 * 2**30 + 1)]),
            "blobs[0].size_bytes",
            "at most 5 GiB",
        ),
        ("FinishUpload", upload(name="a b"), "name", "is not a name"),
        ("FinishUpload", upload(kind="base/v1"), "kind", "'base/v1' cannot be uploaded: use one of series/v1"),
        ("FinishUpload", upload(files=[]), "files", "1 to 10000"),
        ("FinishUpload", upload(files=file() * 2), "files", "listed twice"),
        ("FinishUpload", upload(files=file(path="../f")), "path", "plain relative path"),
        ("FinishUpload", upload(files=file(sha256="0")), "files[0].sha256", "sha256 digest"),
        ("FinishUpload", upload(parents=["nonsense"]), "node", "'nonsense'"),
    ],
)
async def test_bad_input_names_its_field(served: Served, method, request_, field, says):
    code, message, fields = await served.refused(method, request_)
    assert (code, fields) == (grpc.StatusCode.INVALID_ARGUMENT, [field]), message
    assert says in message


async def test_bytes_that_never_came_make_no_version(served: Served):
    code, message, _ = await served.refused("FinishUpload", upload())
    assert (code, "'f' were not uploaded lately" in message) == (grpc.StatusCode.FAILED_PRECONDITION, True)
    served.objects.put_bytes(blob_key(sha256_hex(b"x")), b"longer")
    code, message, fields = await served.refused("FinishUpload", upload())
    assert (code, fields, "6 bytes in the object store, not 1" in message) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        ["files"],
        True,
    )
    assert list(served.objects.keys("manifests/")) == []


async def test_a_name_of_another_kind_leaves_no_manifest(served: Served):
    served.objects.put_bytes(blob_key(sha256_hex(b"x")), b"x")
    made = await served.call("FinishUpload", upload())
    assert made.dataset.ref.version == 1
    code, message, _ = await served.refused("FinishUpload", upload(kind="segments/v1"))
    assert (code, "is used for series/v1" in message) == (grpc.StatusCode.ALREADY_EXISTS, True)
    assert len(list(served.objects.keys("manifests/"))) == 1


async def test_addresses_are_for_where_clients_are(served: Served):
    served.objects.put_bytes(blob_key(sha256_hex(b"x")), b"x")
    await served.call("FinishUpload", upload())
    answer = await served.call("GetDownload", pb.GetDownloadRequest(dataset="pump"), as_="vera")
    assert answer.files[0].url.startswith("http://files.example/b/blobs/sha256/")
    assert answer.manifest_url.startswith("http://files.example/b/manifests/sha256/")
    started = await served.call("StartUpload", pb.StartUploadRequest(blobs=[BLOB]))
    assert [target.sha256 for target in started.targets] == [BLOB.sha256]


@pytest.mark.parametrize(
    ("status", "error", "says"),
    [
        (200, StateError, "does not check x-amz-checksum-sha256"),
        (400, None, ""),
        (503, UnavailableError, "answers 503"),
    ],
)
def test_an_object_store_that_takes_any_bytes_is_not_used_for_uploads(status: int, error, says: str):
    puts = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_PUT(self) -> None:
            puts.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    check = checksum_probe(Signer(endpoint=endpoint, bucket="b", region="r", access_key="a", secret_key="s"))
    try:
        for _ in range(2):
            if error is None:
                check()
            else:
                with pytest.raises(error, match=says):
                    check()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert len(puts) == (1 if error is None else 2), "what holds is asked for once"

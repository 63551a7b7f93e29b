"""ArtifactService over gRPC: roles, and bad input field by field, over a folder of objects."""

from __future__ import annotations

import json
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
from svc_registry.use_cases import deleting
from upwell.local.ports import choose_ports
from upwell.registry.v1 import artifact_service_pb2 as pb
from upwell.registry.v1 import artifact_service_pb2_grpc as pb_grpc

TOKENS = {"vera": "viewer", "tom": "trainer", "root": "admin"}
SIGNER = Signer(endpoint="http://files.example", bucket="b", region="r", access_key="a", secret_key="s")
BLOB = pb.UploadBlob(sha256="a" * 64, size_bytes=1)


class Served:
    """The service and its callers."""

    def __init__(self, stub: pb_grpc.ArtifactServiceStub, objects: FolderObjectStore, store: SqlRegistryStore) -> None:
        self._stub = stub
        self.objects = objects
        self.store = store

    async def push(self, contents: dict[str, bytes], **more) -> pb.FinishUploadResponse:
        """Put files where their addresses lead, and make a version of them."""
        for content in contents.values():
            self.objects.put_bytes(blob_key(sha256_hex(content)), content)
        files = [
            pb.UploadedFile(path=path, sha256=sha256_hex(content), size_bytes=len(content))
            for path, content in contents.items()
        ]
        return await self.call("FinishUpload", pb.FinishUploadRequest(files=files, **more))

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
    store = SqlRegistryStore(database, source="svc_registry")
    rpc = artifact_rpc(store, Artifacts(objects), blobs)
    server = GrpcServer(settings, default_port=DEFAULT_PORT, rpcs=[rpc], auth=authenticator_for(settings))
    await server.start()
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield Served(pb_grpc.ArtifactServiceStub(channel), objects, store)
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
        ("GetDownload", pb.GetDownloadRequest(dataset="a", page_token="9" * 5000), "page_token", "'999"),
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


async def test_whole_numbers_among_the_facts_stay_whole(served: Served):
    request = pb.FinishUploadRequest()
    request.meta.update({"rows": 3, "rate": 0.5, "channels": [{"name": "温度", "count": 2}]})
    made = await served.push({"f": b"x"}, name="pump", kind="series/v1", meta=request.meta)
    manifest = Artifacts(served.objects).manifest(made.dataset.ref.manifest_digest)
    assert b'"rows":3}' in manifest.to_bytes()
    assert b'"count":2' in manifest.to_bytes()
    request.meta.update({"rows": float("nan")})
    code, _, fields = await served.refused("FinishUpload", upload(meta=request.meta))
    assert (code, fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["meta"])


def bundle(**changed) -> dict[str, bytes]:
    said = {
        "schema": "upwell.bundle/v1",
        "family": "series",
        "recipe": "series-lm",
        "method": "full",
        "base": {"name": "tiny", "digest": "b" * 64},
        "metrics": {"f1": 0.5},
        **changed,
    }
    return {"bundle.json": json.dumps(said).encode(), "certificate.json": b"{}"}


async def test_a_deleted_bundle_is_not_pushed_again(served: Served):
    first = (await served.push(bundle(), name="detector", kind="bundle/v1")).model
    assert (await served.push(bundle(), name="detector", kind="bundle/v1")).model == first
    deleting.delete_model(served.store, name="detector", version=1, deleted_by="root", reason="wrong labels")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await served.push(bundle(), name="detector", kind="bundle/v1")
    assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS
    assert "This bundle is detector@1, which was deleted by root" in (caught.value.details() or "")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"recipe": "a\0b"}, "'recipe' has to be a text"),
        ({"family": "x" * 501}, "'family' has to be a text"),
        ({"base": {"name": "tiny", "digest": "../x"}}, "is not a sha256 digest"),
        ({"base": None, "method": "frozen"}, "'name' has to be a text"),
        ({"base": {}}, "'name' has to be a text"),
        ({"metrics": {"f1": float("inf")}}, "inf is no number that JSON knows"),
        ({"hyperparameters": {"rate": 10**400}}, "is no number that JSON knows"),
        ({"hyperparameters": {"name": "\ud800"}}, "half of a surrogate pair"),
    ],
)
async def test_a_bundle_that_says_nonsense_is_refused(served: Served, changed, says):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await served.push(bundle(**changed), name="detector", kind="bundle/v1")
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert says in (caught.value.details() or "")


async def test_a_bundle_may_stand_on_no_base(served: Served):
    model = (await served.push(bundle(base=None), name="forecaster", kind="bundle/v1")).model
    assert (model.ref.version, model.base.name, model.base.digest) == (1, "", "")


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

"""A fake registry of files, and a fake object store that speaks HTTP and can be made to stumble."""

# ruff: noqa: N802 - gRPC and http.server name the methods

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc

from upwell.registry.v1 import artifact_service_pb2 as pb
from upwell.registry.v1 import artifact_service_pb2_grpc, registry_service_pb2

CHECKSUM = "x-amz-checksum-sha256"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class FakeObjects:
    """Objects by key, over HTTP. A key's stumbles are used up one by one: `503`, `403`, or `cut` in the middle."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.stumbles: dict[str, list[str]] = {}
        self.asked: Counter[str] = Counter()
        self.ranges: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(fake) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                key, stumble = self._key()
                if stumble in {"503", "403"} or key not in fake.objects:
                    self._answer(int(stumble or 404), b"")
                    return
                data, start = fake.objects[key], 0
                if "Range" in self.headers:
                    fake.ranges.append(self.headers["Range"])
                    start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(data) - start))
                self.end_headers()
                self.wfile.write(data[start : len(data) // 2] if stumble == "cut" else data[start:])
                self.close_connection = True

            def do_PUT(self) -> None:
                key, stumble = self._key()
                body = self.rfile.read(int(self.headers["Content-Length"]))
                digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
                if stumble:
                    self._answer(int(stumble), b"")
                elif self.headers[CHECKSUM] != digest:
                    self._answer(400, b"BadDigest")
                else:
                    fake.objects[key] = body
                    self._answer(200, b"")

            def _key(self) -> tuple[str, str]:
                key = self.path.strip("/")
                fake.asked[key] += 1
                waiting = fake.stumbles.get(key, [])
                return key, waiting.pop(0) if waiting else ""

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        return Handler


class FakeArtifacts(artifact_service_pb2_grpc.ArtifactServiceServicer):
    """One version of each name, whose files lie in the fake object store."""

    def __init__(self, objects: FakeObjects) -> None:
        self.store = objects
        self.manifests: dict[str, str] = {}
        self.finished: list[pb.FinishUploadRequest] = []
        self.asked = 0
        self.page = 1000
        self.bad: list[pb.VerifyResponse] = []
        self.deleted = False

    def add(self, name: str, files: dict[str, bytes], **changed: object) -> str:
        """A version `name@1`; the digest of its manifest."""
        rows = [{"path": path, "sha256": sha256(data), "size_bytes": len(data)} for path, data in files.items()]
        manifest = json.dumps({"files": rows, **changed}).encode()
        self.store.objects |= {sha256(data): data for data in [*files.values(), manifest]}
        self.manifests[name] = sha256(manifest)
        return sha256(manifest)

    def GetDownload(self, request, context):
        self.asked += 1
        reference = getattr(request, request.WhichOneof("version"))
        name = reference.partition("@")[0].partition(":")[0]
        if name not in self.manifests:
            context.abort(grpc.StatusCode.NOT_FOUND, f"There is no {reference!r}")
        digest = self.manifests[name]
        rows = json.loads(self.store.objects[digest])["files"]
        start = int(request.page_token or 0)
        answer = pb.GetDownloadResponse(
            reference=f"{name}@1", manifest_digest=digest, manifest_url=f"{self.store.url}/{digest}"
        )
        answer.expires_at.FromDatetime(datetime.now(UTC) + timedelta(hours=1))
        for row in rows[start : start + self.page]:
            answer.files.add(sha256=row["sha256"], url=f"{self.store.url}/{row['sha256']}")
        if start + self.page < len(rows):
            answer.next_page_token = str(start + self.page)
        return answer

    def StartUpload(self, request, context):
        answer = pb.StartUploadResponse()
        for blob in request.blobs:
            if blob.sha256 not in self.store.objects:
                checksum = base64.b64encode(bytes.fromhex(blob.sha256)).decode()
                answer.targets.add(
                    sha256=blob.sha256, url=f"{self.store.url}/{blob.sha256}", headers={CHECKSUM: checksum}
                )
        return answer

    def FinishUpload(self, request, context):
        self.finished.append(request)
        if request.kind == "bundle/v1":
            model = registry_service_pb2.ModelVersion()
            model.ref.name, model.ref.version = request.name, 1
            return pb.FinishUploadResponse(model=model)
        dataset = registry_service_pb2.DatasetVersion(kind=request.kind)
        dataset.ref.name, dataset.ref.version = request.name, 1
        return pb.FinishUploadResponse(dataset=dataset)

    def Verify(self, request, context):
        yield from self.bad
        yield pb.VerifyResponse(
            state=pb.FILE_STATE_WHOLE, files_done=3, bytes_done=2048, versions_done=1, versions_total=1
        )

    def CollectGarbage(self, request, context):
        self.deleted = request.delete
        yield pb.CollectGarbageResponse(sha256="ab" * 32, size_bytes=2048)
        yield pb.CollectGarbageResponse(count=1, size_bytes=2048)

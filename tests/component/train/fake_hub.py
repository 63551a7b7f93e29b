"""A hub on this machine: the part of its protocol that a download needs, over a folder `<owner>/<name>/<file>`."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "c0ffee" + "0" * 34


class FakeHub:
    """What it was asked for, and where it listens."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.asked: list[str] = []
        self.address = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = unquote(urlsplit(handler.path).path)
        self.asked.append(path)
        if path.startswith("/api/models/"):
            self._facts(handler, path.removeprefix("/api/models/"))
        else:
            self._file(handler, path.strip("/"))

    def _facts(self, handler: BaseHTTPRequestHandler, rest: str) -> None:
        owner, name, *behind = rest.split("/")
        folder = self.root / owner / name
        if not folder.is_dir():
            refuse(handler, "RepoNotFound")
        elif behind and behind[0] == "revision" and behind[1] not in ("main", COMMIT):
            refuse(handler, "RevisionNotFound")
        else:
            files = sorted(path.name for path in folder.iterdir())
            if behind and behind[0] == "tree":
                body = json.dumps(
                    [
                        {"type": "file", "path": one, "size": (folder / one).stat().st_size, "oid": oid(folder / one)}
                        for one in files
                    ]
                )
            else:
                body = json.dumps(
                    {"id": f"{owner}/{name}", "sha": COMMIT, "siblings": [{"rfilename": one} for one in files]}
                )
            send(handler, body.encode(), {})

    def _file(self, handler: BaseHTTPRequestHandler, path: str) -> None:
        owner, name, _, revision, file = path.split("/")
        data = (self.root / owner / name / file).read_bytes()
        send(handler, data, {"ETag": f'"{oid(self.root / owner / name / file)}"', "X-Repo-Commit": revision})


def oid(path: Path) -> str:
    return hashlib.sha1(path.read_bytes()).hexdigest()


def refuse(handler: BaseHTTPRequestHandler, code: str) -> None:
    handler.send_response(404)
    handler.send_header("X-Error-Code", code)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def send(handler: BaseHTTPRequestHandler, body: bytes, headers: dict[str, str]) -> None:
    handler.send_response(200)
    for name, value in {"Content-Length": str(len(body)), "Content-Type": "application/json", **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    if handler.command == "GET":
        handler.wfile.write(body)


@contextmanager
def fake_hub(root: Path) -> Iterator[FakeHub]:
    """Listen for the length of the block."""
    hub = FakeHub(root)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hub.answer(self)

        do_HEAD = do_GET  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield hub
    server.shutdown()
    server.server_close()

"""MLflow's server with one worker (more of them add 44 ms a response without uvloop), asked over a kept connection.

A parent is a tag on the version: the way to say it there. Requests are plain HTTP, which costs less than its client.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from bench.registry.world import ALIAS, ASKED, CHAIN, MODELS, STAGES, names

VERSION = "3.17.0"
API = "/api/2.0/mlflow"
DATABASE = "mlflow.db"
STARTS_WITHIN_S = 120.0


class Mlflow:
    """A running MLflow."""

    def __init__(self, port: int) -> None:
        self._port = port

    @contextmanager
    def client(self) -> Iterator[Mapping[str, Callable[[], None]]]:
        """Calls over one connection."""
        with closing(Api(self._port)) as api:

            def alias() -> None:
                found = api.get("/registered-models/alias", name=ASKED, alias=ALIAS)
                assert found["model_version"]["name"] == ASKED

            def search() -> None:
                found = api.get("/model-versions/search", filter=f"name='{ASKED}'", max_results=100)
                assert found["model_versions"]

            def register() -> None:
                api.post("/model-versions/create", name="registered", source="s3://bucket/bundle")

            def ancestors() -> None:
                version, steps = str(STAGES), 0
                while version:
                    found = api.get("/model-versions/get", name=CHAIN, version=version)["model_version"]
                    version = {tag["key"]: tag["value"] for tag in found.get("tags", ())}.get("parent", "")
                    steps += 1
                assert steps == STAGES

            def descendants() -> None:
                version, steps = "1", 1
                while True:
                    asked = f"name='{CHAIN}' and tags.parent='{version}'"
                    children = api.get("/model-versions/search", filter=asked).get("model_versions", ())
                    if not children:
                        break
                    version, steps = children[0]["version"], steps + 1
                assert steps == STAGES

            yield {
                "alias": alias,
                "register": register,
                "ancestors": ancestors,
                "descendants": descendants,
                "search": search,
            }


class Api:
    """JSON over one kept connection."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._connection.connect()
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """GET."""
        return self._ask("GET", f"{API}{path}?{urlencode(query, quote_via=quote)}", None)

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        """POST."""
        return self._ask("POST", f"{API}{path}", json.dumps(body))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _ask(self, method: str, path: str, body: str | None) -> dict[str, Any]:
        self._connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        data = answer.read()
        assert answer.status == 200, (path, answer.status, data[:500])
        found: dict[str, Any] = json.loads(data)
        return found


@contextmanager
def running(folder: Path, versions: int, environment: Path) -> Iterator[Mlflow]:
    """A server with so many versions in it."""
    with serving(folder, environment, artifacts=str(folder / "artifacts"), variables={}) as port:
        _fill(port, folder / DATABASE, versions)
        yield Mlflow(port)


@contextmanager
def serving(folder: Path, environment: Path, *, artifacts: str, variables: Mapping[str, str]) -> Iterator[int]:
    """Install MLflow when it is not there, and start it; its port.

    Args:
        folder: its database and log.
        environment: the virtual environment it is installed into.
        artifacts: where it puts artifacts that pass through it: a folder or an `s3://` address.
        variables: environment variables it gets beside ours.
    """
    python = _installed(environment)
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder.mkdir(parents=True, exist_ok=True)
    options = {
        "--host": "127.0.0.1",
        "--port": str(port),
        "--workers": "1",
        "--backend-store-uri": f"sqlite:///{folder / DATABASE}",
        "--artifacts-destination": artifacts,
    }
    command = (python, "-m", "mlflow", "server", *(part for option in options.items() for part in option))
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env={**os.environ, **variables})
        try:
            _wait(port, process)
            yield port
        finally:
            process.terminate()
            process.wait(30)


def _installed(environment: Path) -> str:
    python = environment / "bin/python"
    if not (environment / "bin/mlflow").exists():
        print(f"installing mlflow {VERSION} into {environment}", file=sys.stderr, flush=True)
        venv.create(environment, with_pip=True)
        subprocess.run((python, "-m", "pip", "install", "--quiet", f"mlflow=={VERSION}", "boto3"), check=True)
    return str(python.absolute())


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    limit = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < limit:
        assert process.poll() is None, "mlflow ended; see its server.log"
        try:
            with closing(Api(port)) as api:
                api.get("/registered-models/search")
        except (OSError, http.client.HTTPException, AssertionError):
            time.sleep(0.5)
        else:
            return
    raise TimeoutError("mlflow does not answer")


def _fill(port: int, path: Path, versions: int) -> None:
    """One version of each model and the chain by its interface, the rest as copies of a row."""
    with closing(Api(port)) as api:
        for name in (*(f"model-{number}" for number in range(MODELS)), CHAIN, "registered"):
            api.post("/registered-models/create", name=name)
        for stage in range(1, STAGES + 1):
            tags = [{"key": "parent", "value": str(stage - 1)}] if stage > 1 else []
            api.post("/model-versions/create", name=CHAIN, source="s3://bucket/bundle", tags=tags)
        api.post("/model-versions/create", name=ASKED, source="s3://bucket/bundle")
        api.post("/registered-models/alias", name=ASKED, alias=ALIAS, version="1")
    with closing(sqlite3.connect(path, timeout=60)) as database, database:
        database.row_factory = sqlite3.Row
        row = dict(database.execute("SELECT * FROM model_versions WHERE name = ?", (ASKED,)).fetchone())
        copies = [{**row, "name": name, "version": number} for name, number in names(versions)]
        columns = ", ".join(row)
        values = ", ".join(f":{column}" for column in row)
        database.executemany(f"INSERT OR IGNORE INTO model_versions ({columns}) VALUES ({values})", copies)

"""A version of one large file up and down, beside the bare PUT and GET of the same bytes to the same object store.

`--peer` adds MLflow, through whose server artifacts pass on their way to that store.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import urllib3

from bench.measure import median, print_table, ratios
from bench.registry import mlflow_peer
from shared.contracts.canonical import sha256_hex
from shared.runtime.presign import Signer
from tests.support.servers import Servers, running_servers
from upwell.client import Connection, Upwell
from upwell.client.transfer import CHUNK_BYTES
from upwell.local.environment import BUCKET

MIB = 2**20
OURS = {
    "push": "push",
    "bare PUT": "push",
    "MLflow PUT": "push",
    "pull": "pull",
    "bare GET": "pull",
    "MLflow GET": "pull",
}


class Bare:
    """What any client does at least: one PUT, one GET into a file."""

    def __init__(self, servers: Servers) -> None:
        keys = servers.record.s3_keys
        self._signer = Signer(
            endpoint=f"http://{servers.record.address('s3')}",
            bucket=BUCKET,
            region="us-east-1",
            access_key=keys["access"],
            secret_key=keys["secret"],
        )
        self._pool = urllib3.PoolManager(blocksize=CHUNK_BYTES)

    def put(self, path: Path, key: str, sha256: str) -> None:
        signed = self._signer.upload(key, sha256, now=datetime.now(UTC), lasts=timedelta(hours=1))
        headers = {**signed.headers, "Content-Length": str(path.stat().st_size)}
        with path.open("rb") as file:
            answer = self._pool.request("PUT", signed.url, body=file, headers=headers, retries=False)
        assert answer.status == 200, answer.data

    def get(self, key: str, path: Path) -> None:
        signed = self._signer.download(key, now=datetime.now(UTC), lasts=timedelta(hours=1))
        with self._pool.request("GET", signed.url, preload_content=False) as answer, path.open("wb") as file:
            for chunk in answer.stream(CHUNK_BYTES):
                file.write(chunk)


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


class Proxied:
    """MLflow's way: through its server."""

    def __init__(self, port: int) -> None:
        self._artifacts = f"http://127.0.0.1:{port}/api/2.0/mlflow-artifacts/artifacts"
        self._pool = urllib3.PoolManager(blocksize=CHUNK_BYTES)

    def put(self, path: Path, key: str) -> None:
        headers = {"Content-Length": str(path.stat().st_size), "Content-Type": "application/octet-stream"}
        with path.open("rb") as file:
            answer = self._pool.request("PUT", f"{self._artifacts}/{key}", body=file, headers=headers, retries=False)
        assert answer.status == 200, answer.data

    def get(self, key: str, path: Path) -> None:
        with self._pool.request("GET", f"{self._artifacts}/{key}", preload_content=False) as answer:
            assert answer.status == 200
            with path.open("wb") as file:
                for chunk in answer.stream(CHUNK_BYTES):
                    file.write(chunk)


@contextmanager
def proxied(servers: Servers, folder: Path, peer: Path | None) -> Iterator[Proxied | None]:
    """MLflow before the same object store, where it is wanted."""
    if peer is None:
        yield None
        return
    keys = servers.record.s3_keys
    variables = {
        "MLFLOW_S3_ENDPOINT_URL": f"http://{servers.record.address('s3')}",
        "AWS_ACCESS_KEY_ID": keys["access"],
        "AWS_SECRET_ACCESS_KEY": keys["secret"],
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with mlflow_peer.serving(folder, peer, artifacts=f"s3://{BUCKET}/mlflow", variables=variables) as port:
        yield Proxied(port)


def measure(root: Path, mib: int, repetitions: int, peer: Path | None) -> dict[str, list[float]]:
    """MiB a second by operation."""
    found: dict[str, list[float]] = {name: [] for name in OURS if peer or not name.startswith("MLflow")}
    with running_servers(root / "servers") as servers, proxied(servers, root / "mlflow", peer) as through:
        servers.run_service("svc_registry")
        bare = Bare(servers)

        def ask(work: Callable[[Upwell], Awaitable[object]]) -> None:
            async def session() -> None:
                async with Upwell.connect(Connection.from_environment(servers.client_environment)) as upwell:
                    await work(upwell)

            asyncio.run(session())

        for number in range(repetitions):
            folder, out = root / f"in-{number}", root / f"out-{number}"
            folder.mkdir()
            file = folder / "weights.safetensors"
            file.write_bytes(os.urandom(mib * MIB))
            digest = sha256_hex(file.read_bytes())

            def push(upwell: Upwell, folder: Path = folder) -> Awaitable[object]:
                return upwell.artifacts.push_dataset(folder, name="bench", kind="series/v1")

            def pull(upwell: Upwell, out: Path = out) -> Awaitable[object]:
                return upwell.artifacts.pull(out, dataset="bench")

            found["push"].append(mib / seconds(lambda push=push: ask(push)))
            found["bare PUT"].append(
                mib / seconds(lambda file=file, digest=digest: bare.put(file, f"bench/{digest}", digest))
            )
            found["pull"].append(mib / seconds(lambda pull=pull: ask(pull)))
            found["bare GET"].append(mib / seconds(lambda file=file, digest=digest: bare.get(f"bench/{digest}", file)))
            if through:
                found["MLflow PUT"].append(mib / seconds(lambda file=file, digest=digest: through.put(file, digest)))
                found["MLflow GET"].append(mib / seconds(lambda file=file, digest=digest: through.get(digest, file)))
            file.unlink()
            (out / file.name).unlink()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=256)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument(
        "--peer", type=Path, nargs="?", const=Path(".bench/mlflow"), help="also MLflow, installed there"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), arguments.mib, arguments.repetitions, arguments.peer)
    rows: list[list[object]] = [
        [name, median(rates), min(rates), max(rates), median(ratios(found[OURS[name]], rates))]
        for name, rates in found.items()
    ]
    notes = {"MiB": arguments.mib, "repetitions": arguments.repetitions, "store": "SeaweedFS on this machine"}
    print_table("Files of a version", ["operation", "median MiB/s", "min", "max", "ours / this"], rows, notes)


if __name__ == "__main__":
    main()

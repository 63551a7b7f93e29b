"""Serving over gRPC at 1 and 32 clients, beside the same predictor called directly in this process (the floor).

The server is a process of its own with the service's own queue, model thread, tokens and bundle loader; only bus,
registry and S3 are left out. Clients run in this process in a closed loop: each sends a series, waits for its answer,
and sends the next. The floor is what the model alone can do: one series a call, and 32 a call. A call that asks no
model shows what the transport alone takes between the same client and server.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import grpc
import numpy as np
import psutil
import torch

from bench.measure import median, p99, print_table, ratios
from shared.contracts.kinds import Kind
from shared.contracts.versions import BaseVersion, DatasetVersion, ModelVersion
from shared.errors import NotFoundError
from shared.modeling.bases import build_base, content_digest, load_base
from shared.modeling.bundle import FULL, BaseIdentity, BundleInfo
from shared.modeling.certificate import certify, save_certificate
from shared.modeling.predictor import Predictor, find_loader
from shared.modeling.series.network import SeriesLM
from shared.modeling.series.spec import SeriesSpec
from shared.modeling.series.storage import save_network
from shared.modeling.series.values import SeriesInput
from shared.runtime.artifacts import Artifacts
from shared.runtime.auth import authenticator_for
from shared.runtime.database import Database
from shared.runtime.grpc_server import GrpcServer
from shared.runtime.object_store import FolderObjectStore
from svc_infer.adapters.bundles import BundleLoader, use_threads
from svc_infer.adapters.cache import ArtifactCache
from svc_infer.adapters.fields import CachedFields
from svc_infer.adapters.store import SqlInferStore
from svc_infer.bootstrap import limits_of
from svc_infer.rpc.calls import Serving
from svc_infer.rpc.service import infer_rpc
from svc_infer.serving.batcher import Batcher
from svc_infer.serving.lines import Lines
from svc_infer.serving.names import Names
from svc_infer.serving.shelf import Shelf
from svc_infer.settings import InferSettings
from upwell.infer.v1 import infer_service_pb2 as pb
from upwell.infer.v1 import infer_service_pb2_grpc as pb_grpc
from upwell.local.ports import choose_ports

Call = Callable[[int], Awaitable[None]]
MODEL, BASE = "bench", "tiny-qwen"
CLIENTS = 32
NO_MODEL = "1 client, no model asked"
FLOOR_1, SERVED_1 = "floor, 1 a call", "1 client"
FLOOR_32, SERVED_32 = f"floor, {CLIENTS} a call", f"{CLIENTS} clients"
FLOORS = {SERVED_1: FLOOR_1, SERVED_32: FLOOR_32}
STARTED_WITHIN_S = 120.0


@dataclass(frozen=True)
class OneModel:
    """A registry that knows one version."""

    version: ModelVersion

    def model(self, reference: str) -> ModelVersion:  # noqa: ARG002
        return self.version

    def model_of_run(self, run_id: str) -> ModelVersion:  # noqa: ARG002
        return self.version

    def aliases(self) -> Mapping[tuple[str, str], ModelVersion]:
        return {(MODEL, "champion"): self.version}

    def dataset(self, reference: str) -> DatasetVersion:
        raise NotFoundError(reference)

    def dataset_by_digest(self, name: str, digest: str) -> DatasetVersion:  # noqa: ARG002
        raise NotFoundError(name)


@dataclass
class Times:
    """What one contender took, by repetition: milliseconds a call, and calls and CPU seconds of each repetition."""

    calls_ms: list[list[float]] = field(default_factory=list)
    per_second: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    def add(self, calls_ms: list[float], series: int, wall_s: float, cpu_s: float) -> None:
        self.calls_ms.append(calls_ms)
        self.per_second.append(series / wall_s)
        self.cpu_ms.append(cpu_s / series * 1e3)

    @property
    def p50s(self) -> list[float]:
        return [median(calls) for calls in self.calls_ms]

    @property
    def all_ms(self) -> list[float]:
        return [call for calls in self.calls_ms for call in calls]


def make_bundle(root: Path, rows: int) -> tuple[ModelVersion, Predictor]:
    """A certified bundle on the tiny base with untrained heads (training changes no time), and its predictor."""
    base_dir, folder = root / "base", root / "bundle"
    build_base(BASE, base_dir)
    base = load_base(base_dir)
    spec = SeriesSpec(window=rows, stride=rows // 2)
    info = BundleInfo(
        family="series",
        recipe="series-lm",
        method=FULL,
        base=BaseIdentity(name=BASE, digest="0" * 64, content_digest=content_digest(base_dir)),
        spec=spec.to_json(),
        lora={},
        hyperparameters={},
        metrics={},
        dtype="float32",
    )
    torch.manual_seed(0)
    save_network(folder, info, SeriesLM(base.decoder, spec).eval(), base.tokenizer)
    predictor = find_loader("series")(folder, None, "cpu")
    save_certificate(folder, certify(predictor))
    files = {path.name: path for path in folder.iterdir()}
    manifest = Artifacts(FolderObjectStore(root / "objects")).store(kind=Kind.BUNDLE, files=files, meta={}, parents=[])
    return version_of(manifest.digest), predictor


def version_of(digest: str) -> ModelVersion:
    """The one version."""
    return ModelVersion(
        name=MODEL, version=1, run_id="bench", bundle_digest=digest, base=BaseVersion(name=BASE, digest="")
    )


async def serve(root: Path, digest: str, settings: InferSettings) -> None:
    """The server's process: until its standard input closes."""
    use_threads(settings.model_threads)
    artifacts = Artifacts(FolderObjectStore(root / "objects"))
    shelf = Shelf(BundleLoader(ArtifactCache(artifacts, root / "cache"), device="cpu"), capacity=1)
    catalogue = OneModel(version_of(digest))
    names, batcher = Names(catalogue, shelf), Batcher(limits_of(settings))
    store = SqlInferStore(Database(f"sqlite:///{root / 'infer.db'}", schema="infer"), source="bench")
    serving = Serving(names=names, shelf=shelf, batcher=batcher, lines=Lines(), longest_s=60)
    rpc = infer_rpc(serving, store, catalogue, CachedFields(ArtifactCache(artifacts, root / "datasets")))
    server = GrpcServer(settings, default_port=1, rpcs=[rpc], auth=authenticator_for(settings))
    shelf.start()
    batcher.start()
    await asyncio.to_thread(names.reconcile)
    await server.start()
    await asyncio.to_thread(sys.stdin.read)
    await server.stop(1)


@contextmanager
def server_process(root: Path, digest: str, threads: int) -> Iterator[tuple[str, str, psutil.Process]]:
    """Address, token and process of a server; nobody else knows the token, so an answer proves that it is ours."""
    port, token = choose_ports(["grpc"], {})["grpc"], secrets.token_hex(16)
    environment = {
        **os.environ,
        "UPWELL_GRPC_PORT": str(port),
        "UPWELL_TOKENS": f"bench:viewer:{token}",
        "UPWELL_MODEL_THREADS": str(threads),
        "UPWELL_LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "-m", "bench.serving", "--serve", str(root), digest]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield f"127.0.0.1:{port}", token, psutil.Process(process.pid)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Clients:
    """Closed-loop clients of a server."""

    def __init__(self, address: str, token: str, process: psutil.Process, requests: list[pb.PredictRequest]) -> None:
        self._channel = grpc.aio.insecure_channel(address)
        self._stub = pb_grpc.InferServiceStub(self._channel)
        self._metadata = [("authorization", f"Bearer {token}")]
        self._process = process
        self._requests = requests

    async def call(self, number: int = 0) -> None:
        """One prediction."""
        await self._stub.Predict(self._requests[number % len(self._requests)], timeout=60, metadata=self._metadata)

    async def call_no_model(self, _number: int = 0) -> None:
        """One call that the server answers from memory."""
        await self._stub.GetModelStatus(pb.GetModelStatusRequest(), timeout=60, metadata=self._metadata)

    async def wait_ready(self) -> None:
        """Until it answers."""
        limit = time.monotonic() + STARTED_WITHIN_S
        while True:
            try:
                return await self.call()
            except grpc.aio.AioRpcError:
                if time.monotonic() > limit or not self._process.is_running():
                    raise
                await asyncio.sleep(0.2)

    async def run(self, call: Call, clients: int, seconds: float, times: Times) -> None:
        """So many clients for so long."""
        calls_ms: list[float] = []
        began, cpu = time.perf_counter(), self._cpu_s()

        async def client(number: int) -> None:
            while (start := time.perf_counter()) - began < seconds:
                await call(number)
                calls_ms.append((time.perf_counter() - start) * 1e3)

        await asyncio.gather(*(client(number) for number in range(clients)))
        times.add(calls_ms, len(calls_ms), time.perf_counter() - began, self._cpu_s() - cpu)

    async def close(self) -> None:
        """Hang up."""
        await self._channel.close()

    def _cpu_s(self) -> float:
        spent = self._process.cpu_times()
        return float(spent.user + spent.system)


def run_floor(
    predict: Callable[[list[SeriesInput]], object], batch: list[SeriesInput], seconds: float, times: Times
) -> None:
    """The model alone, in this process, for so long."""
    calls_ms: list[float] = []
    began, cpu = time.perf_counter(), time.process_time()
    while (start := time.perf_counter()) - began < seconds:
        predict(batch)
        calls_ms.append((time.perf_counter() - start) * 1e3)
    times.add(calls_ms, len(calls_ms) * len(batch), time.perf_counter() - began, time.process_time() - cpu)


async def measure(root: Path, rows: int, repetitions: int, seconds: float, threads: int) -> dict[str, Times]:
    """All contenders, interleaved within each repetition."""
    use_threads(threads)
    version, predictor = make_bundle(root, rows)
    values = np.random.default_rng(0).normal(size=(CLIENTS, rows, 1))
    batch = [SeriesInput(id=str(n), channels=("value",), values=one) for n, one in enumerate(values)]
    requests = [
        pb.PredictRequest(model=MODEL, series=[pb.Series(id=one.id, channels=[pb.Channel(values=one.values[:, 0])])])
        for one in batch
    ]
    names = (NO_MODEL, FLOOR_1, SERVED_1, FLOOR_32, SERVED_32)
    found = {name: Times() for name in names}
    with server_process(root, version.bundle_digest, threads) as (address, token, process):
        clients = Clients(address, token, process, requests)
        await clients.wait_ready()
        await clients.run(clients.call, CLIENTS, 0.5, Times())
        run_floor(predictor.predict, batch, 0.5, Times())
        for _ in range(repetitions):
            await clients.run(clients.call_no_model, 1, seconds / 2, found[NO_MODEL])
            run_floor(predictor.predict, batch[:1], seconds, found[FLOOR_1])
            await clients.run(clients.call, 1, seconds, found[SERVED_1])
            run_floor(predictor.predict, batch, seconds, found[FLOOR_32])
            await clients.run(clients.call, CLIENTS, seconds, found[SERVED_32])
        await clients.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--rows", type=int, default=64, help="of each series, and the window; 64 is what overhead shows best with"
    )
    parser.add_argument("--repetitions", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each contender in each repetition")
    parser.add_argument("--threads", type=int, default=1, help="that torch computes with, served and floor alike")
    parser.add_argument("--serve", nargs=2, metavar=("ROOT", "DIGEST"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        root, digest = arguments.serve
        asyncio.run(serve(Path(root), digest, InferSettings()))
        return
    with tempfile.TemporaryDirectory() as root:
        found = asyncio.run(
            measure(Path(root), arguments.rows, arguments.repetitions, arguments.seconds, arguments.threads)
        )
    report(found, {name: value for name, value in vars(arguments).items() if name != "serve"})


def report(found: dict[str, Times], notes: dict[str, object]) -> None:
    """The table, and the figures that matter."""
    rows = [
        [
            name,
            median(times.p50s),
            p99(times.all_ms),
            median(times.per_second),
            min(times.per_second),
            max(times.per_second),
            median(times.cpu_ms),
            _share(found, name),
        ]
        for name, times in found.items()
    ]
    columns = ["series of one window", "p50 ms", "p99 ms", "series/s", "min", "max", "CPU ms/series", "share of floor"]
    print_table("Serving over gRPC", columns, rows, notes)
    added = [ours - floor for ours, floor in zip(found[SERVED_1].p50s, found[FLOOR_1].p50s, strict=True)]
    print(
        f"One client waits {median(added):.2f} ms longer than the floor (aim: 1 ms), "
        f"of which a call that asks no model takes {median(found[NO_MODEL].p50s):.2f} ms."
    )
    print(f"{CLIENTS} clients get {_share(found, SERVED_32)} of the floor of {CLIENTS} a call (aim: 0.75).")


def _share(found: dict[str, Times], name: str) -> str:
    """Series a second over those of its floor, the median of the repetitions; empty for the floors themselves."""
    if name not in FLOORS:
        return ""
    return f"{median(ratios(found[name].per_second, found[FLOORS[name]].per_second)):.2f}"


if __name__ == "__main__":
    main()

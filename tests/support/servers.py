"""Real servers for connected tests: NATS JetStream and SeaweedFS from wheels, as `upwell up` starts them."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from upwell.bus import connection
from upwell.local.environment import client_environment, service_environment
from upwell.local.folder import DataFolder
from upwell.local.processes import Keeper, ProcessSpec, dying_with_parent
from upwell.local.record import Record, renew_record
from upwell.local.servers import bus_server, object_store
from upwell.permissions import ADMIN
from upwell.streams import ensure

T = TypeVar("T")
STARTED_WITHIN_S = 90.0


class Servers:
    """NATS and an S3 server over one data folder, and services started by hand."""

    def __init__(self, root: Path) -> None:
        self.folder = DataFolder.at(root)
        self.folder.make()
        self.record: Record = renew_record(self.folder)
        self._loop = asyncio.new_event_loop()
        # The kernel ends children when the thread that started them ends, so one thread lives through all tests.
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._keepers: dict[str, Keeper] = {}
        self.services: list[Service] = []

    def start(self) -> None:
        """Start both servers and declare streams and consumers."""
        for spec in (bus_server(self.folder, self.record), object_store(self.folder, self.record)):
            self._run(self._start(spec))
        self.bootstrap()

    def bootstrap(self) -> None:
        """Declare streams and consumers; again is fine."""
        self._run(self._ensure())

    def kill(self, name: str) -> None:
        """SIGKILL a server; its keeper starts it again."""
        process = self._keepers[name].process
        assert process is not None
        process.kill()

    def stop_server(self, name: str) -> None:
        """Stop a server for good, until `start_server`."""
        self._run(self._keepers.pop(name).stop())

    def start_server(self, name: str) -> None:
        """Start a server that was stopped."""
        make = {"nats": bus_server, "s3": object_store}[name]
        self._run(self._start(make(self.folder, self.record)))

    def stop(self) -> None:
        """Stop everything."""
        for service in self.services:
            service.kill()
        for keeper in reversed(self._keepers.values()):
            self._run(keeper.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def environment(self, service: str, **settings: str) -> dict[str, str]:
        """What a service needs, with settings changed."""
        return {**service_environment(service, folder=self.folder, record=self.record), **settings}

    @property
    def client_environment(self) -> Mapping[str, str]:
        """What a client needs."""
        return client_environment(self.record)

    def run_service(self, name: str, *, port: int | None = None, **settings: str) -> Service:
        """Start a service and wait until it is ready."""
        port = port or self.record.ports[name]
        environment = self.environment(name, UPWELL_GRPC_PORT=str(port), **settings)
        service = Service(name, port, environment, self.folder.log(f"{name}-{port}"))
        self.services.append(service)
        service.start()
        return service

    async def _start(self, spec: ProcessSpec) -> None:
        keeper = Keeper(spec, on_change=lambda: None)
        self._keepers[spec.name] = keeper
        await keeper.start()

    async def _ensure(self) -> None:
        async with connection(self.record.bus_url(ADMIN)) as client:
            await ensure(client.jetstream())

    def _run(self, work: Awaitable[T]) -> T:
        async def awaited() -> T:
            return await work

        return asyncio.run_coroutine_threadsafe(awaited(), self._loop).result(90)


class Service:
    """One service process, ended by signal."""

    def __init__(self, name: str, port: int, environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.port = port
        self.address = f"127.0.0.1:{port}"
        self._environment = dict(environment)
        self._log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, ready: bool = True) -> None:
        """Start, and wait until health says SERVING."""
        command = dying_with_parent((sys.executable, "-m", self.name), signal.SIGKILL)
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        if ready:
            wait_until(self.is_ready, STARTED_WITHIN_S, self.log_tail)

    def is_ready(self) -> bool:
        """Whether it answers SERVING."""
        assert self.process is not None
        assert self.process.poll() is None, f"{self.name} ended with {self.process.returncode}:\n{self.log_tail()}"
        with grpc.insecure_channel(self.address) as channel:
            try:
                stub = health_pb2_grpc.HealthStub(channel)
                answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=1)
            except grpc.RpcError:
                return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def kill(self) -> None:
        """SIGKILL."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

    def terminate(self, within_s: float = 30.0) -> int:
        """SIGTERM; returns the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(within_s)

    def log_tail(self) -> str:
        """The end of its log."""
        return "\n".join(self._log.read_text().splitlines()[-25:])


def wait_until(
    condition: Callable[[], Any], within_s: float, explain: Callable[[], str] = str, *, every_s: float = 0.1
) -> Any:
    """Poll until the condition holds; its value. AssertionError with the explanation when it does not in time."""
    limit = time.monotonic() + within_s
    while time.monotonic() < limit:
        value = condition()
        if value:
            return value
        time.sleep(every_s)
    raise AssertionError(f"not within {within_s} s: {condition}\n{explain()}")


@contextmanager
def running_servers(root: Path) -> Iterator[Servers]:
    """Servers for the length of a block."""
    servers = Servers(root)
    try:
        servers.start()
        yield servers
    finally:
        servers.stop()

"""svc_registry's gRPC server in a thread, so that commands, which run loops of their own, can be tried against it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import SecretStr

from shared.runtime.auth import authenticator_for
from shared.runtime.grpc_server import GrpcServer
from shared.runtime.settings import ServiceSettings
from svc_registry.rpc.history import history_rpc
from svc_registry.rpc.lineage import lineage_rpc
from svc_registry.rpc.registry import registry_rpc
from tests.use_cases.registry.history_world import World
from upwell.client import Connection
from upwell.local.ports import choose_ports

TOKENS = {"vera": "viewer", "tom": "trainer"}


@contextmanager
def serving(world: World, *, train: str = "127.0.0.1:1") -> Iterator[dict[str, Connection]]:
    """The service for the length of a block; by name, how each caller reaches it."""
    tokens = ",".join(f"{name}:{role}:token-{name}" for name, role in TOKENS.items())
    settings = ServiceSettings(grpc_port=choose_ports(["svc_registry"], {})["svc_registry"], tokens=SecretStr(tokens))
    ready, stop = threading.Event(), threading.Event()

    async def serve() -> None:
        rpcs = [registry_rpc(world.store), lineage_rpc(world.store), history_rpc(world.store, world.artifacts)]
        server = GrpcServer(settings, default_port=1, rpcs=rpcs, auth=authenticator_for(settings))
        await server.start()
        ready.set()
        await asyncio.to_thread(stop.wait)
        await server.stop(0)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(20)
        address = f"127.0.0.1:{settings.grpc_port}"
        yield {
            name: Connection(
                ingest=address, label=address, train=train, infer=address, registry=address, token=f"token-{name}"
            )
            for name in TOKENS
        }
    finally:
        stop.set()
        thread.join()

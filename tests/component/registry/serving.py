"""svc_registry's gRPC server in this process, and callers with roles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2
from pydantic import SecretStr

from shared.runtime.auth import authenticator_for
from shared.runtime.grpc_server import GrpcServer
from shared.runtime.signatures import trusted_keys
from svc_registry.rpc.lineage import lineage_rpc
from svc_registry.rpc.promotion import promotion_rpc
from svc_registry.rpc.registry import registry_rpc
from svc_registry.rpc.versions import version_rpc
from svc_registry.settings import DEFAULT_PORT, RegistrySettings
from tests.use_cases.registry.promotion_world import PromotionWorld
from upwell.local.ports import choose_ports
from upwell.registry.v1 import (
    lineage_service_pb2_grpc,
    promotion_service_pb2_grpc,
    registry_service_pb2_grpc,
    version_service_pb2_grpc,
)
from upwell.signing import new_private_key, public_key

TOKENS = {"vera": "viewer", "rita": "reviewer", "tom": "trainer", "root": "admin"}


@dataclass(frozen=True, slots=True)
class Refused:
    """An error as the caller sees it: its code, its sentence, the fields it names."""

    code: grpc.StatusCode
    message: str
    fields: tuple[str, ...]


class Served:
    """The service and its callers."""

    def __init__(self, world: PromotionWorld, channel: grpc.aio.Channel, private_key: str) -> None:
        self.world = world
        self.private_key = private_key
        self._stubs = (
            registry_service_pb2_grpc.RegistryServiceStub(channel),
            promotion_service_pb2_grpc.PromotionServiceStub(channel),
            version_service_pb2_grpc.VersionServiceStub(channel),
            lineage_service_pb2_grpc.LineageServiceStub(channel),
        )

    async def call(self, method: str, request: Any, *, as_: str = "tom") -> Any:
        """Call as somebody."""
        behaviour = next(getattr(stub, method) for stub in self._stubs if hasattr(stub, method))
        return await behaviour(request, metadata=(("authorization", f"Bearer token-{as_}"),), timeout=20)

    async def refused(self, method: str, request: Any, *, as_: str = "tom") -> Refused:
        """The error that a call is answered with."""
        try:
            answer = await self.call(method, request, as_=as_)
        except grpc.aio.AioRpcError as error:
            return Refused(error.code(), error.details() or "", _fields(error))
        raise AssertionError(f"{method} was answered with {answer}")


def _fields(error: grpc.aio.AioRpcError) -> tuple[str, ...]:
    details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
    if details is None:
        return ()
    bad = error_details_pb2.BadRequest()
    status_pb2.Status.FromString(details).details[0].Unpack(bad)
    return tuple(violation.field for violation in bad.field_violations)


@asynccontextmanager
async def serving(world: PromotionWorld) -> AsyncIterator[Served]:
    """The service for the length of a block; it trusts the key `qa`."""
    private_key = new_private_key()
    tokens = ",".join(f"{name}:{role}:token-{name}" for name, role in TOKENS.items())
    settings = RegistrySettings(
        grpc_port=choose_ports(("registry",), {})["registry"],
        tokens=SecretStr(tokens),
        trusted_keys=f"qa:{public_key(private_key)}",
    )
    store = world.store
    verifier = trusted_keys(settings.trusted_keys)
    rpcs = [registry_rpc(store), promotion_rpc(store), version_rpc(store, verifier), lineage_rpc(store)]
    server = GrpcServer(settings, default_port=DEFAULT_PORT, rpcs=rpcs, auth=authenticator_for(settings))
    await server.start()
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield Served(world, channel, private_key)
    await server.stop(0)

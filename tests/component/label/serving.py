"""svc_label's gRPC server in this process, and callers with roles."""

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
from svc_label.rpc import label_rpc
from svc_label.settings import DEFAULT_PORT, LabelSettings
from tests.use_cases.label.world import World
from upwell.label.v1 import label_service_pb2_grpc as pb_grpc
from upwell.local.ports import choose_ports

TOKENS = {"vera": "viewer", "rita": "reviewer", "root": "admin", "svc_train": "service"}


@dataclass(frozen=True, slots=True)
class Refused:
    """An error as the caller sees it: its code, its sentence, the fields it names."""

    code: grpc.StatusCode
    message: str
    fields: tuple[str, ...]


class Served:
    """The service and its callers."""

    def __init__(self, world: World, channel: grpc.aio.Channel) -> None:
        self.world = world
        self._stub = pb_grpc.LabelServiceStub(channel)

    async def call(self, method: str, request: Any, *, as_: str = "rita") -> Any:
        """Call as somebody; nobody has no token."""
        metadata = (("authorization", f"Bearer token-{as_}"),) if as_ else ()
        return await getattr(self._stub, method)(request, metadata=metadata, timeout=20)

    async def refused(self, method: str, request: Any, *, as_: str = "rita") -> Refused:
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
async def serving(world: World) -> AsyncIterator[Served]:
    """The service for the length of a block."""
    tokens = ",".join(f"{name}:{role}:token-{name}" for name, role in TOKENS.items())
    settings = LabelSettings(grpc_port=choose_ports(("label",), {})["label"], tokens=SecretStr(tokens))
    server = GrpcServer(
        settings, default_port=DEFAULT_PORT, rpcs=[label_rpc(world.use_cases)], auth=authenticator_for(settings)
    )
    await server.start()
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield Served(world, channel)
    await server.stop(0)

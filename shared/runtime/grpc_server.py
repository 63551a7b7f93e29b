"""The gRPC server every service runs: tokens, errors, health and reflection, with bounded messages."""

from __future__ import annotations

import inspect
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from shared.errors import UpwellError
from shared.runtime.auth import Authenticator, Role
from shared.runtime.grpc_errors import code_of, trailers_of
from shared.runtime.settings import ServiceSettings
from shared.runtime.tracing import continued_trace

log = structlog.get_logger(__name__)
MAX_MESSAGE_BYTES = 16 * 2**20
OPEN_PREFIXES = ("/grpc.health.v1.Health/", "/grpc.reflection.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rpc:
    """One gRPC service of ours.

    `roles` maps a method's name to the least role that may call it; methods that are not named need a viewer.
    """

    full_name: str
    add_to: Callable[[grpc.aio.Server], None]
    roles: Mapping[str, Role] = field(default_factory=dict)


class GrpcServer:
    """Listens, and tells its health: SERVING means ready, an answer at all means alive."""

    def __init__(self, settings: ServiceSettings, *, default_port: int, rpcs: list[Rpc], auth: Authenticator) -> None:
        self._settings = settings
        self._rpcs = rpcs
        self._health = health.aio.HealthServicer()
        roles = {f"/{rpc.full_name}/{method}": role for rpc in rpcs for method, role in rpc.roles.items()}
        self._server = grpc.aio.server(
            interceptors=[_Gate(auth, roles)],
            options=[
                ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
                ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
                ("grpc.so_reuseport", 0),
            ],
        )
        self.address = f"{settings.grpc_host}:{settings.grpc_port or default_port}"

    async def start(self) -> None:
        """Listen; not ready yet. RuntimeError when the port is taken."""
        for rpc in self._rpcs:
            rpc.add_to(self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = [rpc.full_name for rpc in self._rpcs]
        reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], self._server)
        await self.set_ready(ready=False)
        credentials = _server_credentials(self._settings)
        if credentials:
            self._server.add_secure_port(self.address, credentials)
        else:
            self._server.add_insecure_port(self.address)
        await self._server.start()
        log.info("listening", address=self.address, tls=bool(credentials))

    async def set_ready(self, *, ready: bool) -> None:
        """Tell health checks of the server as a whole, and of each of its services."""
        for name in ("", *(rpc.full_name for rpc in self._rpcs)):
            await self.set_serving(name, serving=ready)

    async def set_serving(self, name: str, *, serving: bool) -> None:
        """Tell health checks of one part, which may be ready or not while the others are."""
        status = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        await self._health.set(name, status)

    async def stop(self, grace_s: float) -> None:
        """Take no new calls and let the ones in hand finish."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace_s)


def _server_credentials(settings: ServiceSettings) -> grpc.ServerCredentials | None:
    if not (settings.grpc_certificate and settings.grpc_private_key):
        return None
    pair = (settings.grpc_private_key.read_bytes(), settings.grpc_certificate.read_bytes())
    return grpc.ssl_server_credentials([pair])


class _Gate(grpc.aio.ServerInterceptor):
    """In front of every method: who calls, which trace, and what an error looks like outside."""

    def __init__(self, auth: Authenticator, roles: Mapping[str, Role]) -> None:
        self._auth = auth
        self._roles = roles

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Wrap our methods; health and reflection stay open."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or method.startswith(OPEN_PREFIXES):
            return handler
        metadata = {key: value for key, value in handler_call_details.invocation_metadata if isinstance(value, str)}
        needs = self._roles.get(method, Role.VIEWER)
        if handler.response_streaming:
            return self._stream(handler, method, metadata, needs)
        return self._unary(handler, method, metadata, needs)

    def _unary(self, handler: Any, method: str, metadata: Mapping[str, str], needs: Role) -> Any:
        behaviour = handler.stream_unary if handler.request_streaming else handler.unary_unary

        async def call(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            with continued_trace(metadata):
                try:
                    self._auth.admit(metadata, needs=needs)
                    return await behaviour(request, context)
                except Exception as error:  # noqa: BLE001 - nothing of ours may leak as it is
                    await _abort(context, method, error)

        make = (
            grpc.stream_unary_rpc_method_handler if handler.request_streaming else grpc.unary_unary_rpc_method_handler
        )
        return make(call, handler.request_deserializer, handler.response_serializer)

    def _stream(self, handler: Any, method: str, metadata: Mapping[str, str], needs: Role) -> Any:
        assert not handler.request_streaming, "no method of ours streams both ways"

        async def call(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
            with continued_trace(metadata):
                try:
                    self._auth.admit(metadata, needs=needs)
                    answers = handler.unary_stream(request, context)
                    assert inspect.isasyncgen(answers), f"{method} must be an async generator"
                    async for answer in answers:
                        yield answer
                except Exception as error:  # noqa: BLE001 - nothing of ours may leak as it is
                    await _abort(context, method, error)

        return grpc.unary_stream_rpc_method_handler(call, handler.request_deserializer, handler.response_serializer)


async def _abort(context: grpc.aio.ServicerContext[Any, Any], method: str, error: Exception) -> None:
    # Aborted already, or the caller is gone: gRPC itself knows what to do with its own errors.
    if isinstance(error, grpc.aio.BaseError):
        raise error
    if isinstance(error, UpwellError):
        code = code_of(error)
        log.info("call refused", method=method, code=code.name, error=str(error))
        await context.abort(code, str(error), trailers_of(error, code))
    error_id = uuid.uuid4().hex[:12]
    log.error("call failed", method=method, error_id=error_id, exc_info=error)
    await context.abort(grpc.StatusCode.INTERNAL, f"Internal error {error_id}: the service's log holds the details")

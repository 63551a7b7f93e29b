"""Probes: whether a process of the embedded stack answers now. A probe returns False rather than raise."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import grpc
from grpc_health.v1 import health_pb2
from nats.errors import Error as NatsError

from upwell.bus import connection
from upwell.errors import BusError
from upwell.local.ports import HOST

Probe = Callable[[], Awaitable[bool]]
TIMEOUT_S = 1.0


def bus_answers(url: str) -> Probe:
    """The bus lets this user in and its JetStream is up."""

    async def probe() -> bool:
        try:
            async with connection(url) as client:
                await client.jetstream().account_info()
        except (BusError, NatsError, OSError):
            return False
        return True

    return probe


def http_answers(port: int, path: str) -> Probe:
    """The HTTP server answers with success."""

    async def probe() -> bool:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await _status(port, path) == 200
        except (OSError, ValueError, TimeoutError):
            return False

    return probe


def grpc_serves(port: int) -> Probe:
    """The gRPC server says SERVING for itself as a whole."""

    async def probe() -> bool:
        async with grpc.aio.insecure_channel(f"{HOST}:{port}") as channel:
            # The stub's type hints know no methods, so the call is spelled out.
            check = channel.unary_unary(
                "/grpc.health.v1.Health/Check",
                request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
                response_deserializer=health_pb2.HealthCheckResponse.FromString,
            )
            try:
                answer = await check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_S)
            except grpc.aio.AioRpcError:
                return False
            return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    return probe


async def _status(port: int, path: str) -> int:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        return int((await reader.readline()).split()[1])
    finally:
        writer.close()

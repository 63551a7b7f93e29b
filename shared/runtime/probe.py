"""Is this container's service ready? `python -m shared.runtime.probe` exits with 0 when its health says SERVING."""

from __future__ import annotations

import os
import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

TIMEOUT_S = 3.0


def is_ready(address: str) -> bool:
    """Whether the gRPC health service at the address says SERVING."""
    with grpc.insecure_channel(address) as channel:
        try:
            stub = health_pb2_grpc.HealthStub(channel)
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_S)  # type: ignore[attr-defined]
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


if __name__ == "__main__":
    sys.exit(0 if is_ready(f"127.0.0.1:{os.environ['UPWELL_GRPC_PORT']}") else 1)

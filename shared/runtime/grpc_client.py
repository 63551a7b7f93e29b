"""Calls from one service to another: synchronous, with deadline, token, trace and our own errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from shared.runtime.grpc_errors import error_of
from shared.runtime.grpc_server import MAX_MESSAGE_BYTES
from shared.runtime.settings import ServiceSettings
from shared.runtime.tracing import trace_headers

AnswerT = TypeVar("AnswerT", bound=Message)
DEADLINE_S = 10.0
# Every call here is idempotent, so one that a service could not answer is tried again at once; the caller's own
# retries do the rest.
SERVICE_CONFIG = json.dumps(
    {
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 4,
                    "initialBackoff": "0.1s",
                    "maxBackoff": "1s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ]
    }
)


def open_channel(address: str, settings: ServiceSettings) -> grpc.Channel:
    """A channel to another service; TLS when the settings name roots to trust."""
    options = [
        ("grpc.service_config", SERVICE_CONFIG),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_reconnect_backoff_ms", 2000),
    ]
    if settings.grpc_ca:
        credentials = grpc.ssl_channel_credentials(settings.grpc_ca.read_bytes())
        return grpc.secure_channel(address, credentials, options)
    return grpc.insecure_channel(address, options)


class Caller:
    """Makes calls as this service.

    Args:
        peer: the called service's name, for errors.
        token: the bearer token.
    """

    def __init__(self, *, peer: str, token: str) -> None:
        self._peer = peer
        self._token = token

    def call(self, method: Callable[..., AnswerT], request: Message, *, deadline_s: float = DEADLINE_S) -> AnswerT:
        """Call a stub's method.

        Raises:
            UpwellError: what the other service answered, as our own error; UnavailableError when it does not answer.
        """
        metadata: list[tuple[str, Any]] = list(trace_headers().items())
        if self._token:
            metadata.append(("authorization", f"Bearer {self._token}"))
        try:
            return method(request, timeout=deadline_s, metadata=metadata)
        except grpc.RpcError as error:
            raise error_of(error, peer=self._peer) from error

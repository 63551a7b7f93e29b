"""One way to call: with token and deadline, and errors as `UpwellClientError`."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import Any, Protocol, TypeVar

import grpc
from google.rpc import error_details_pb2, status_pb2

from upwell.errors import FieldViolation, UpwellClientError

RequestT = TypeVar("RequestT", contravariant=True)
AnswerT = TypeVar("AnswerT")
AnswerT_co = TypeVar("AnswerT_co", covariant=True)

DEADLINE_S = 15.0
DETAILS = "grpc-status-details-bin"
Metadata = tuple[tuple[str, str], ...]


class UnaryMethod(Protocol[RequestT, AnswerT_co]):
    """A stub's method with one request and one answer."""

    def __call__(
        self, request: RequestT, *, timeout: float | None = None, metadata: Any = None
    ) -> grpc.aio.UnaryUnaryCall[Any, AnswerT_co]: ...


class Caller:
    """Calls the methods of one service.

    Args:
        peer: the service's name and address, for errors.
        token: the bearer token; empty sends none.
    """

    def __init__(self, *, peer: str, token: str) -> None:
        self._peer = peer
        self.metadata: Metadata = (("authorization", f"Bearer {token}"),) if token else ()

    async def call(self, method: Any, request: Any, answer: type[AnswerT], *, deadline_s: float = DEADLINE_S) -> AnswerT:
        """One request, one answer.

        Raises:
            UpwellClientError: the service refused, failed, or does not answer.
        """
        try:
            result: AnswerT = await method(request, timeout=deadline_s, metadata=self.metadata)
        except grpc.aio.AioRpcError as error:
            raise client_error(error, peer=self._peer) from error
        return result

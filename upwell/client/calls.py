"""One way to call: with token and deadline, and errors as `UpwellClientError`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TypeVar

import grpc
from google.rpc import error_details_pb2, status_pb2

from upwell.errors import FieldViolation, UpwellClientError

RequestT = TypeVar("RequestT")
AnswerT = TypeVar("AnswerT")

DEADLINE_S = 15.0
DETAILS = "grpc-status-details-bin"
# How gRPC itself begins the message when nobody listens; the services' own messages begin otherwise.
NOBODY_LISTENS = "failed to connect"
# And when the caller's own deadline passes; a service that has a limit of its own says so in other words.
DEADLINE_EXCEEDED = "Deadline Exceeded"
TRY_LATER = "Try again later."


class Caller:
    """Calls the methods of one service.

    Args:
        peer: the service's name and address, for errors.
        token: the bearer token; empty sends none.
        when_late: what to do when the deadline of a call passes, a sentence.
    """

    def __init__(self, *, peer: str, token: str, when_late: str = TRY_LATER) -> None:
        self._peer = peer
        self._when_late = when_late
        self._metadata = (("authorization", f"Bearer {token}"),) if token else ()

    async def call(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[RequestT, AnswerT],
        request: RequestT,
        *,
        deadline_s: float = DEADLINE_S,
    ) -> AnswerT:
        """One request, one answer.

        Raises:
            UpwellClientError: the service refused, failed, or does not answer.
        """
        try:
            return await method(request, timeout=deadline_s, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            raise self._error(error, deadline_s) from error

    async def send(
        self,
        method: grpc.aio.StreamUnaryMultiCallable[RequestT, AnswerT],
        requests: AsyncIterator[RequestT],
        *,
        deadline_s: float,
    ) -> AnswerT:
        """A stream of requests, one answer; raises as `call` does."""
        try:
            return await method(requests, timeout=deadline_s, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            raise self._error(error, deadline_s) from error

    async def receive(
        self,
        method: grpc.aio.UnaryStreamMultiCallable[RequestT, AnswerT],
        request: RequestT,
        *,
        deadline_s: float,
        silence_s: float | None = None,
    ) -> AsyncIterator[AnswerT]:
        """One request, a stream of answers; raises as `call` does, and when none comes for `silence_s`."""
        stream = method(request, timeout=deadline_s, metadata=self._metadata)
        try:
            while True:
                async with asyncio.timeout(silence_s):
                    answer = await stream.read()
                if answer is grpc.aio.EOF:
                    return
                yield answer  # type: ignore[misc]  # the end of the stream is no answer
        except TimeoutError as error:
            reason = f"{self._peer} has said nothing for {silence_s:g} s."
            raise UpwellClientError(grpc.StatusCode.DEADLINE_EXCEEDED.name, reason) from error
        except grpc.aio.AioRpcError as error:
            raise self._error(error, deadline_s) from error
        finally:
            stream.cancel()

    def _error(self, error: grpc.aio.AioRpcError, deadline_s: float) -> UpwellClientError:
        code, details = error.code(), error.details() or ""
        if code is grpc.StatusCode.UNAVAILABLE and NOBODY_LISTENS in details:
            details = f"{self._peer} does not answer. Is it running? (`upwell status`)"
        if code is grpc.StatusCode.DEADLINE_EXCEEDED and details == DEADLINE_EXCEEDED:
            details = f"{self._peer} did not answer within {deadline_s:g} s. {self._when_late}"
        return UpwellClientError(
            code.name, details or f"{self._peer} answered {code.name} without a reason.", violations_of(error)
        )


def violations_of(error: grpc.aio.AioRpcError) -> tuple[FieldViolation, ...]:
    """The wrong fields, from `google.rpc.BadRequest` in the trailing metadata."""
    violations: list[FieldViolation] = []
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS and isinstance(value, bytes):
            for detail in status_pb2.Status.FromString(value).details:
                bad_request = error_details_pb2.BadRequest()
                if detail.Unpack(bad_request):
                    violations += [
                        FieldViolation(field=wrong.field, reason=wrong.description)
                        for wrong in bad_request.field_violations
                    ]
    return tuple(violations)

"""The fate of a message: every delivery ends here as done, again later, or dead letter."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol

import structlog
from faststream import BaseMiddleware
from faststream.exceptions import NackMessage, RejectMessage
from faststream.message import StreamMessage
from nats.aio.msg import Msg

from shared.contracts.fate import ATTEMPTS, Verdict, decide
from shared.errors import PermanentError, RetryableError
from shared.runtime.envelope import Envelope, set_current_envelope
from shared.runtime.tracing import continued_trace

log = structlog.get_logger(__name__)
# Redelivery may have begun when a beat is late, so the beat leaves room for two misses.
BEATS_PER_ACK_WAIT = 3


class DeadLetters(Protocol):
    """Where the middleware keeps dead letters and counts excused deliveries."""

    ack_wait_s: float

    async def bury(self, message: Msg, reason: str) -> None:
        """Store a dead letter; raises when it could not be stored."""

    async def excused(self, message: Msg) -> int:
        """How many deliveries of the message were excused."""

    async def excuse(self, message: Msg, count: int) -> None:
        """Remember the number of excused deliveries."""


class FateMiddleware(BaseMiddleware[Any, Msg]):
    """Turns what a handler raises into an acknowledgement, by `shared.contracts.fate.decide`."""

    def __init__(self, msg: Msg, /, *, context: Any, letters: DeadLetters) -> None:
        super().__init__(msg, context=context)
        self.letters = letters

    async def consume_scope(self, call_next: Callable[[Any], Awaitable[Any]], msg: StreamMessage[Any]) -> Any:
        """Decode and handle one delivery, and settle what it raised."""
        raw: Msg = msg.raw_message
        meta = raw.metadata
        headers = {str(key): str(value) for key, value in msg.headers.items()}
        deliveries = meta.num_delivered
        set_current_envelope(
            Envelope(headers=headers, stream=meta.stream, sequence=meta.sequence.stream, stored_at=meta.timestamp)
        )
        with continued_trace(headers):
            excused = await self._excused(raw) if deliveries > 1 else 0
            # Counted before the handler runs, so that a message which kills the process runs out as well.
            if deliveries - excused > ATTEMPTS:
                await self._bury(raw, f"{ATTEMPTS} attempts were spent without an answer")
            try:
                with Heartbeat(raw, self.letters.ack_wait_s):
                    return await call_next(msg)
            except Exception as error:  # noqa: BLE001 - every error gets its fate here
                await self._settle(raw, error, deliveries=deliveries, excused=excused)

    async def _settle(self, raw: Msg, error: Exception, *, deliveries: int, excused: int) -> None:
        fate = decide(error, spent=deliveries - excused, excused=excused)
        known = isinstance(error, (PermanentError, RetryableError))
        log.warning(
            "message failed", subject=raw.subject, verdict=fate.verdict, error=str(error) or repr(error),
            delivery=deliveries, delay_s=round(fate.delay_s, 2), exc_info=None if known else error,
        )  # fmt: skip
        if fate.verdict is Verdict.DEAD:
            await self._bury(raw, str(error) if known else repr(error), error)
        if fate.verdict is Verdict.EXCUSE:
            try:
                await self.letters.excuse(raw, excused + 1)
            except Exception:
                # The delivery counts as spent then; the delay still holds.
                log.exception("a delivery could not be excused", subject=raw.subject)
        raise NackMessage(delay=fate.delay_s) from error

    async def _excused(self, raw: Msg) -> int:
        try:
            return await self.letters.excused(raw)
        except Exception as error:
            log.exception("excused deliveries are not known; the message waits", subject=raw.subject)
            raise NackMessage(delay=5.0) from error

    async def _bury(self, raw: Msg, reason: str, error: Exception | None = None) -> None:
        try:
            await self.letters.bury(raw, reason)
        except Exception as failure:
            log.exception("dead letter could not be stored; the message stays", subject=raw.subject)
            raise NackMessage(delay=5.0) from failure
        raise RejectMessage from error


class Heartbeat:
    """Tells the server that work goes on, until the block ends. A timer: the hot path starts no task."""

    def __init__(self, message: Msg, ack_wait_s: float) -> None:
        self._message = message
        self._pause_s = ack_wait_s / BEATS_PER_ACK_WAIT
        self._loop = asyncio.get_running_loop()
        self._beat: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        self._timer = self._loop.call_later(self._pause_s, self._start)

    def __exit__(self, *_raised: object) -> None:
        self._timer.cancel()
        if self._beat is not None:
            self._beat.cancel()

    def _start(self) -> None:
        self._beat = self._loop.create_task(self._go_on())

    async def _go_on(self) -> None:
        while True:
            with suppress(Exception):  # a missed beat costs a redelivery at worst
                await self._message.in_progress()
            await asyncio.sleep(self._pause_s)

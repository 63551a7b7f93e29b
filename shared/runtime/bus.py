"""The bus: JetStream through FastStream. Streams and durables are made by `upwell.streams`, never here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import nats.errors
import structlog
from faststream import AckPolicy, ContextRepo
from faststream.nats import JStream, NatsBroker, PullSub
from faststream.security import SASLPlaintext
from google.protobuf.message import Message
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, DeliverPolicy
from nats.js.errors import APIError, BucketNotFoundError, KeyNotFoundError, NotFoundError
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from shared.errors import InvalidInputError, UnavailableError
from shared.runtime.codec import EventCodec, MisreadError
from shared.runtime.draining import ParkableFetch, make_parkable
from shared.runtime.envelope import Outgoing
from shared.runtime.fate import FateMiddleware
from shared.runtime.settings import ServiceSettings
from upwell.events import (
    ACK_WAIT,
    BY_MESSAGE,
    DEAD_PREFIX,
    EXCUSED_BUCKET,
    MAX_BODY_BYTES,
    DeadHeader,
    durable_name,
)

log = structlog.get_logger(__name__)
MessageT = TypeVar("MessageT", bound=Message)
Handler = Callable[[MessageT], Awaitable[None]]
Refusal = Callable[[MessageT, InvalidInputError], Awaitable[None]]

ACK_WAIT_S = ACK_WAIT.total_seconds()
PUBLISH_TIMEOUT_S = 5.0
# A leader election takes up to 8 s (measured), so a publisher has to go on for longer than that.
PUBLISH_PATIENCE_S = 20.0
DEAD_LETTER_BYTES = 64 * 1024
BROADCAST_INACTIVE_S = 60.0


class Bus:
    """One connection of a service: handlers in, events out, dead letters aside."""

    ack_wait_s = ACK_WAIT_S

    def __init__(self, settings: ServiceSettings, *, service: str) -> None:
        self.service = service
        self.durables: list[tuple[str, str]] = []
        self._fetches: list[ParkableFetch] = []
        self._drain_s = settings.drain_seconds
        security = None
        if settings.nats_user:
            security = SASLPlaintext(
                username=settings.nats_user, password=settings.nats_password.get_secret_value(), use_ssl=False
            )
        self.broker = NatsBroker(
            settings.nats_url.split(","),
            name=service,
            codec=EventCodec(),
            security=security,
            middlewares=[self._fate],  # type: ignore[list-item]
            ack_policy=AckPolicy.NACK_ON_ERROR,
            max_reconnect_attempts=-1,
            graceful_timeout=settings.drain_seconds,
            error_cb=self._on_error,
            apply_types=False,
            logger=None,
        )

    def take(
        self,
        message_type: type[MessageT],
        handler: Handler[MessageT],
        *,
        refuse: Refusal[MessageT] | None = None,
        concurrency: int = 1,
    ) -> None:
        """Hand every event of a type to the handler; replicas share the durable, so each event has one taker.

        Somebody waits for what becomes of a request: `refuse` announces why one with wrong fields is refused.
        """
        event = BY_MESSAGE[message_type]
        assert event.is_request == (refuse is not None), f"{event.subject}: requests, and they alone, can be refused"
        assert self.service in event.takers, f"{self.service} does not take {event.subject}"
        durable = durable_name(self.service, event.subject)
        self.durables.append((event.stream, durable))
        # One subscriber a slot: prefetching workers would hold messages that nothing beats for.
        for _ in range(concurrency):
            self.broker.subscriber(
                event.subject,
                stream=JStream(event.stream, declare=False),
                durable=durable,
                pull_sub=PullSub(batch_size=1, timeout=1),
            )(refusing(handler, refuse))

    def listen(self, message_type: type[MessageT], handler: Handler[MessageT]) -> None:
        """Hand every event of a broadcast type to the handler, on every replica, beginning with the latest."""
        event = BY_MESSAGE[message_type]
        assert self.service in event.broadcast, f"{self.service} does not listen to {event.subject}"
        self.broker.subscriber(
            event.subject,
            stream=JStream(event.stream, declare=False),
            config=ConsumerConfig(inactive_threshold=BROADCAST_INACTIVE_S, ack_wait=ACK_WAIT_S),
            deliver_policy=DeliverPolicy.LAST_PER_SUBJECT,
            pull_sub=PullSub(batch_size=1, timeout=1),
        )(handler)

    async def start(self) -> None:
        """Connect and hand out messages."""
        await self.broker.start()
        self._fetches = [make_parkable(subscriber) for subscriber in self.broker.subscribers]

    async def stop_taking(self) -> None:
        """Finish the messages in hand and take no more; what does not end in time is delivered again later."""
        parking = [asyncio.create_task(fetch.park()) for fetch in self._fetches]
        if parking:
            await asyncio.wait(parking, timeout=self._drain_s)
        for task in parking:
            task.cancel()
        for subscriber in self.broker.subscribers:
            await subscriber.stop()

    async def stop(self) -> None:
        """Take no more, then disconnect."""
        await self.stop_taking()
        await self.broker.stop()

    async def publish(self, outgoing: Outgoing) -> None:
        """Publish through JetStream and wait for its answer; retries carry the same Nats-Msg-Id.

        Raises:
            InvalidInputError: the body is over the stream's limit.
            UnavailableError: no answer within the patience.
        """
        if len(outgoing.body) > MAX_BODY_BYTES:
            raise InvalidInputError.of(
                outgoing.subject, f"the body has {len(outgoing.body)} bytes; a body may have {MAX_BODY_BYTES}"
            )
        transient = retry_if_exception_type((nats.errors.Error, APIError, OSError, TimeoutError))
        retrying = AsyncRetrying(
            retry=transient,
            stop=stop_after_delay(PUBLISH_PATIENCE_S),
            wait=wait_exponential_jitter(initial=0.1, max=2.0),
            reraise=True,
        )
        try:
            await retrying(self._publish_once, outgoing)
        except (nats.errors.Error, APIError, OSError, TimeoutError) as error:
            raise UnavailableError(
                f"{outgoing.subject} could not be published: {error or type(error).__name__}"
            ) from error

    async def missing_durables(self) -> list[str]:
        """Durables that were deleted under us: their subscribers have gone deaf without an error."""
        missing = []
        for stream, durable in self.durables:
            try:
                await self._jetstream.consumer_info(stream, durable, timeout=PUBLISH_TIMEOUT_S)
            except NotFoundError:
                missing.append(durable)
        return missing

    async def bury(self, message: Msg, reason: str) -> None:
        """Store a dead letter: where it came from, why, and the first 64 KiB of its body."""
        meta = message.metadata
        headers = {key: value for key, value in (message.headers or {}).items() if not key.startswith("Nats-")}
        place: dict[str, str] = {
            DeadHeader.STREAM: meta.stream,
            DeadHeader.SEQUENCE: str(meta.sequence.stream),
            DeadHeader.CONSUMER: meta.consumer,
        }
        letter_id = f"dead-{meta.stream}-{meta.sequence.stream}-{meta.consumer}"
        await self._bury(message.subject, {**headers, **place}, message.data, reason, letter_id)

    async def bury_outgoing(self, outgoing: Outgoing, reason: str) -> None:
        """Store as a dead letter what could never be published."""
        headers = {key: value for key, value in outgoing.headers.items() if not key.startswith("Nats-")}
        await self._bury(outgoing.subject, headers, outgoing.body, reason, f"dead-{outgoing.headers['Nats-Msg-Id']}")

    async def _bury(self, subject: str, headers: Mapping[str, str], body: bytes, reason: str, letter_id: str) -> None:
        printable = " ".join(reason.split())[:1000].encode("ascii", "backslashreplace").decode()
        told = {**headers, "Nats-Msg-Id": letter_id, DeadHeader.REASON: printable, DeadHeader.SUBJECT: subject}
        if len(body) > DEAD_LETTER_BYTES:
            told[DeadHeader.TRUNCATED] = "true"
        await self._jetstream.publish(
            DEAD_PREFIX + subject, body[:DEAD_LETTER_BYTES], headers=told, timeout=PUBLISH_TIMEOUT_S
        )

    async def excused(self, message: Msg) -> int:
        """Deliveries of this message, to this consumer, that a dependency spoilt."""
        try:
            bucket = await self._jetstream.key_value(EXCUSED_BUCKET)
            entry = await bucket.get(_excused_key(message))
        except (KeyNotFoundError, BucketNotFoundError):
            return 0
        return int(entry.value or b"0")

    async def excuse(self, message: Msg, count: int) -> None:
        """Written only just before an excused nack: the hot path pays nothing."""
        bucket = await self._jetstream.key_value(EXCUSED_BUCKET)
        await bucket.put(_excused_key(message), str(count).encode())

    @property
    def _jetstream(self) -> JetStreamContext:
        stream: JetStreamContext = self.broker.config.connection_state.stream
        return stream

    def _fate(self, msg: Any, /, *, context: ContextRepo) -> FateMiddleware:
        return FateMiddleware(msg, context=context, letters=self)

    async def _publish_once(self, outgoing: Outgoing) -> None:
        await self._jetstream.publish(
            outgoing.subject, outgoing.body, headers=dict(outgoing.headers), timeout=PUBLISH_TIMEOUT_S
        )

    async def _on_error(self, error: Exception) -> None:
        # A forbidden JetStream call shows its reason here and nowhere else.
        log.warning("bus error", error=str(error) or repr(error))


def refusing(handler: Handler[MessageT], refuse: Refusal[MessageT] | None) -> Callable[[Any], Awaitable[None]]:
    """Takes what the codec made of a body: a message, or the error of a misread one, which becomes a dead letter."""
    if refuse is None:
        return handler

    async def handle(body: Any) -> None:
        if not isinstance(body, MisreadError):
            return await handler(body)
        error = InvalidInputError(str(body))  # how the taker came to know of it is nothing to tell
        await refuse(body.message, error)  # type: ignore[arg-type]  # the subject's table says of which type it is
        raise error from body

    return handle


def _excused_key(message: Msg) -> str:
    meta = message.metadata
    return f"{meta.stream}.{meta.consumer}.{meta.sequence.stream}"

"""The transactional outbox: events commit with the change they speak of and are published afterwards, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

import structlog
from google.protobuf.message import Message
from sqlalchemy import JSON, Column, delete, select
from sqlmodel import Field, Session, SQLModel

from shared.errors import InvalidInputError, UnavailableError
from shared.runtime.bus import Bus
from shared.runtime.database import HAS_EVENTS, Database
from shared.runtime.envelope import Outgoing, encode

log = structlog.get_logger(__name__)
EventT = TypeVar("EventT")
BATCH = 100
POLL_S = 0.5


class OutboxRow(SQLModel, table=True):
    """An event that waits to be published."""

    __tablename__ = "outbox"
    id: int | None = Field(default=None, primary_key=True)
    subject: str
    headers: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))
    body: bytes


class SqlOutbox(Generic[EventT]):
    """The outbox inside one transaction.

    Args:
        session: the transaction.
        source: the service that speaks.
        translate: a domain event -> (message, natural key).
    """

    def __init__(self, session: Session, *, source: str, translate: Callable[[EventT], tuple[Message, str]]) -> None:
        self._session = session
        self._source = source
        self._translate = translate

    def add(self, event: EventT) -> None:
        """Publish the event after the commit."""
        message, key = self._translate(event)
        self.keep(encode(message, key=key, source=self._source))

    def keep(self, outgoing: Outgoing) -> None:
        """Keep an encoded event until it is published."""
        self._session.add(OutboxRow(subject=outgoing.subject, headers=dict(outgoing.headers), body=outgoing.body))
        self._session.info[HAS_EVENTS] = True


class OutboxRelay:
    """Publishes what the outbox holds. Replicas may publish a row twice: its Nats-Msg-Id makes it once.

    A commit in this process wakes it at once; what a replica left behind is found by looking every `POLL_S`.
    """

    def __init__(self, database: Database, bus: Bus) -> None:
        self._database = database
        self._bus = bus
        self._stopping = False
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Publish until stopped, then publish what is left."""
        loop = asyncio.get_running_loop()
        self._database.when_events_commit(lambda: loop.call_soon_threadsafe(self._wake.set))
        try:
            while not self._stopping:
                self._wake.clear()
                if not await self._publish_safely():
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), POLL_S)
            while await self._publish_safely():
                pass
        finally:
            self._database.when_events_commit(None)

    def stop(self) -> None:
        """Let `run` end."""
        self._stopping = True
        self._wake.set()

    async def _publish_safely(self) -> bool:
        try:
            return await self._publish_some()
        except Exception:
            log.exception("outbox stumbled; it tries again")
            return False

    async def _publish_some(self) -> bool:
        """Publish one batch; False when nothing is left or nothing could be done."""
        try:
            rows = await asyncio.to_thread(self._read)
            for row in rows:
                await self._publish(row)
            return bool(rows)
        except UnavailableError as error:
            log.warning("outbox waits", error=str(error))
            return False

    async def _publish(self, row: OutboxRow) -> None:
        outgoing = Outgoing(subject=row.subject, headers=row.headers, body=row.body)
        try:
            await self._bus.publish(outgoing)
        except InvalidInputError as error:
            # It can never be published, and keeping it would dam up everything behind it.
            log.exception("event over the limit", subject=row.subject, event_id=row.headers["ce-id"])
            await self._bus.bury_outgoing(outgoing, str(error))
        await asyncio.to_thread(self._delete, row)

    def _read(self) -> Sequence[OutboxRow]:
        with self._database.transaction() as session:
            return session.exec(select(OutboxRow).order_by(OutboxRow.id).limit(BATCH)).scalars().all()  # type: ignore[arg-type,call-overload,no-any-return]

    def _delete(self, row: OutboxRow) -> None:
        with self._database.transaction() as session:
            session.exec(delete(OutboxRow).where(OutboxRow.id == row.id))  # type: ignore[arg-type]

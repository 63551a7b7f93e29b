"""A bus that hands its events over when a test says so."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from google.protobuf.message import Message

from shared.runtime.bus import refusing
from shared.runtime.codec import MisreadError, decode
from shared.runtime.envelope import Envelope, set_current_envelope
from upwell.events import BY_MESSAGE


class FakeBus:
    """Keeps the handler of each message type."""

    def __init__(self) -> None:
        self.handlers: dict[type[Message], Any] = {}

    def take(self, message_type: type[Message], handler: Any, *, refuse: Any = None, concurrency: int = 1) -> None:
        self.handlers[message_type] = refusing(handler, refuse)

    def listen(self, message_type: type[Message], handler: Any) -> None:
        self.handlers[message_type] = handler

    async def deliver(self, message_type: type[Message], body: bytes, **headers: str) -> None:
        """Hand a body over as it lies on the bus; raises what the real bus would settle."""
        event = BY_MESSAGE[message_type]
        place = {"stream": event.stream, "sequence": 7, "stored_at": datetime.now(UTC)}
        set_current_envelope(Envelope(headers=headers, **place))  # type: ignore[arg-type]
        try:
            read: object = decode(event, body, headers.get("content-type"))
        except MisreadError as error:
            read = error
        await self.handlers[message_type](read)

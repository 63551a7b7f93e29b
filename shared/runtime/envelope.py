"""What travels around an event's body: CloudEvents headers, all optional on what users publish."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime

from google.protobuf import json_format
from google.protobuf.message import Message

from shared.contracts.ids import derived_id
from shared.runtime.tracing import trace_headers
from upwell.events import BY_MESSAGE

JSON = "application/json"
PROTOBUF = "application/protobuf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Where the event being handled came from: its headers, and its place in the stream."""

    headers: Mapping[str, str]
    stream: str
    sequence: int
    stored_at: datetime

    @property
    def event_id(self) -> str:
        """The sender's `ce-id`, else one from the place in the stream, so that a redelivery has the same id.

        The time tells a stream from another of the same name that was made after it.
        """
        return self.headers.get("ce-id") or derived_id(self.stream, self.stored_at.isoformat(), str(self.sequence))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """An encoded event, ready for the bus."""

    subject: str
    headers: Mapping[str, str]
    body: bytes


_current: ContextVar[Envelope | None] = ContextVar("upwell_envelope", default=None)


def current_envelope() -> Envelope:
    """The envelope of the event being handled; only a handler may ask."""
    envelope = _current.get()
    assert envelope is not None, "no event is being handled"
    return envelope


def set_current_envelope(envelope: Envelope) -> None:
    """Called by the bus before a handler runs; each message is handled in a context of its own."""
    _current.set(envelope)


def encode(message: Message, *, key: str, source: str) -> Outgoing:
    """Encode a fact as ProtoJSON with its headers.

    Args:
        message: the body; its type tells the subject.
        key: the fact's natural key: the same fact twice has the same id, so the stream keeps it once.
        source: the service that says it.
    """
    event = BY_MESSAGE[type(message)]
    event_id = derived_id(event.subject, key)
    headers = {
        "Nats-Msg-Id": event_id,
        "content-type": JSON,
        "ce-specversion": "1.0",
        "ce-id": event_id,
        "ce-type": message.DESCRIPTOR.full_name,
        "ce-source": source,
        "ce-time": datetime.now(UTC).isoformat(),
        **trace_headers(),
    }
    return Outgoing(subject=event.subject, headers=headers, body=to_json(message))


def to_json(message: Message) -> bytes:
    """Compact ProtoJSON in UTF-8."""
    return json_format.MessageToJson(message, indent=None, ensure_ascii=False).encode()

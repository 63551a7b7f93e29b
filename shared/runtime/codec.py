"""Event bodies: ProtoJSON by default, binary protobuf by content type."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from faststream.message import StreamMessage
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from shared.errors import InvalidInputError
from shared.runtime.envelope import JSON, PROTOBUF, to_json
from upwell.events import BY_SUBJECT, Event

# The parser quotes what it cannot read, which may be all of the body.
LONGEST_REASON = 500


class MisreadError(InvalidInputError):
    """A request that has wrong fields; `message` holds the others, by which it can be named when it is refused."""

    def __init__(self, reason: str, message: Message) -> None:
        super().__init__(reason)
        self.message = message


def decode(event: Event, body: bytes, content_type: str | None) -> Message:
    """Parse an event's body.

    Requests are parsed strictly: an unknown field is an error that names it. Facts are parsed leniently, so that a
    newer publisher and an older taker get on during a rolling upgrade.

    Raises:
        InvalidInputError: the body is not such a message; a MisreadError where some of a request's fields can be read.
    """
    if content_type == PROTOBUF:
        return _from_binary(event, body)
    if not body.lstrip().startswith(b"{"):  # the parser takes an empty list for an empty message
        raise InvalidInputError(f"{event.subject}: the body is not a JSON object")
    try:
        message: Message = json_format.Parse(body, event.message(), ignore_unknown_fields=not event.is_request)
    except (json_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        told = " ".join(str(error).split())[:LONGEST_REASON]
        reason = f"{event.subject}: the body is no {event.message.DESCRIPTOR.full_name}: {told}"
        readable = _readable_fields(event, body)
        if readable is None:
            raise InvalidInputError(reason) from error
        raise MisreadError(reason, readable) from error
    return message


def _readable_fields(event: Event, body: bytes) -> Message | None:
    """The fields that are as they should be; None for a fact, and for what is no JSON at all."""
    try:
        fields = json.loads(body) if event.is_request else None
    except (ValueError, RecursionError):
        return None
    if fields is None:
        return None
    message = event.message()
    for name, value in fields.items():
        with suppress(json_format.ParseError, RecursionError):
            json_format.ParseDict({name: value}, message)
    return message


def _from_binary(event: Event, body: bytes) -> Message:
    try:
        message = event.message.FromString(body)
    except DecodeError as error:
        raise InvalidInputError(f"{event.subject}: the body is not binary protobuf: {error}") from error
    unknown = [str(field.field_number) for field in UnknownFieldSet(message)]  # type: ignore[attr-defined]
    if event.is_request and unknown:
        name = event.message.DESCRIPTOR.full_name
        raise MisreadError(f"{event.subject}: {name} has no field with the number {', '.join(unknown)}", message)
    return message


class EventCodec:
    """FastStream's codec for all our events."""

    async def decode(self, msg: StreamMessage[Any]) -> Any:
        """Called inside the fate middleware, which sees what it raises; a misread request is the taker's to refuse."""
        try:
            return decode(BY_SUBJECT[msg.raw_message.subject], msg.body, msg.headers.get("content-type"))
        except MisreadError as error:
            return error

    async def encode(self, msg: Any, serializer: object = None) -> tuple[bytes, str | None]:  # noqa: ARG002
        """Also called with a handler's return value, which is None."""
        return (b"", None) if msg is None else (to_json(msg), JSON)

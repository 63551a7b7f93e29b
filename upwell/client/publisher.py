"""Publishing requests: always through JetStream, whose answer says that the stream has it."""

from __future__ import annotations

import asyncio
import time
import uuid
from datetime import UTC, datetime

from google.protobuf import json_format
from google.protobuf.message import Message
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.errors import APIError

from upwell.bus import connection
from upwell.errors import BusError, ToolError
from upwell.events import BY_MESSAGE, MAX_MESSAGE_BYTES

SOURCE = "upwell-client"
# A bus that changes its leader is away for 4 to 8 s (measured).
PATIENCE_S = 20.0
RETRY_S = 0.5
ANSWER_TIMEOUT_S = 5.0
# The server's number for "message size exceeds maximum allowed".
TOO_LARGE = 10054


class Publisher:
    """Publishes requests on the bus.

    Args:
        url: the bus with a client's user and password in it; empty when it is not known.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    async def publish(self, request: Message) -> str:
        """Publish on the request's own subject; the id of the event.

        Every try carries the same `Nats-Msg-Id`, so the stream keeps the event once.

        Raises:
            BusError: the bus refused it, or did not take it within 20 s.
        """
        if not self._url:
            raise ToolError("The address of the bus is not known: set UPWELL_NATS_URL (see `upwell env`).")
        event_id = str(uuid.uuid4())
        headers = _headers(request, event_id)
        body = json_format.MessageToJson(
            request, indent=None, preserving_proto_field_name=True, ensure_ascii=False
        ).encode()
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                async with connection(self._url) as client:
                    await _publish_once(client, BY_MESSAGE[type(request)].subject, body, headers)
                return event_id
            except (BusError, NatsError, OSError) as error:
                if getattr(error, "err_code", None) == TOO_LARGE:
                    raise BusError(f"The request has {len(body)} bytes; one may have {MAX_MESSAGE_BYTES}.") from error
                if isinstance(error, APIError) or time.monotonic() > deadline:
                    raise BusError(str(error) or "The bus did not take the request in time.") from error
                await asyncio.sleep(RETRY_S)


async def _publish_once(client: Client, subject: str, body: bytes, headers: dict[str, str]) -> None:
    await client.jetstream().publish(subject, body, headers=headers, timeout=ANSWER_TIMEOUT_S)


def _headers(request: Message, event_id: str) -> dict[str, str]:
    return {
        "Nats-Msg-Id": event_id,
        "content-type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": event_id,
        "ce-type": request.DESCRIPTOR.full_name,
        "ce-source": SOURCE,
        "ce-time": datetime.now(UTC).isoformat(),
    }

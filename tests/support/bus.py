"""Publishing and reading events in tests, synchronously."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import nats

from tests.support.servers import Servers
from upwell.events import BY_SUBJECT
from upwell.permissions import ADMIN


def publish(servers: Servers, user: str, subject: str, body: bytes, headers: Mapping[str, str] | None = None) -> bool:
    """Publish through JetStream as a bus user; True once the server has it."""

    async def send() -> bool:
        client = await nats.connect(servers.record.bus_url(user), max_reconnect_attempts=2)
        try:
            await client.jetstream().publish(subject, body, headers=dict(headers or {}))
        finally:
            await client.close()
        return True

    return asyncio.run(send())


def stream_messages(servers: Servers, stream: str) -> list[tuple[str, bytes, Mapping[str, str]]]:
    """Everything in a stream: subject, body, headers."""

    async def read() -> list[tuple[str, bytes, Mapping[str, str]]]:
        client = await nats.connect(servers.record.bus_url(ADMIN), max_reconnect_attempts=2)
        try:
            js = client.jetstream()
            info = await js.stream_info(stream)
            if not info.state.messages:
                return []
            sub = await js.subscribe(">", stream=stream, ordered_consumer=True)
            messages = [await sub.next_msg(timeout=5) for _ in range(info.state.messages)]
            return [(message.subject, message.data, message.headers or {}) for message in messages]
        finally:
            await client.close()

    return asyncio.run(read())


def events_on(servers: Servers, subject: str) -> list[dict[str, Any]]:
    """The bodies of all events on a subject, as JSON values."""
    messages = stream_messages(servers, BY_SUBJECT[subject].stream)
    return [json.loads(body) for found, body, _ in messages if found == subject]

"""The bootstrap step: makes and updates every stream, durable consumer and bucket of the subject table.

`python -m upwell.streams` waits for the server at UPWELL_NATS_URL and may run any number of times.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import timedelta

from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import BadRequestError, NotFoundError

from upwell.bus import connection
from upwell.errors import BusError
from upwell.events import (
    ACK_WAIT,
    DEAD_PREFIX,
    DEAD_STREAM,
    EVENTS,
    EXCUSED_BUCKET,
    MAX_AGE,
    MAX_MESSAGE_BYTES,
    STREAMS,
    durable_name,
)

# The fate of a message speaks of 24 hours of excused deliveries; a note has to outlive them.
EXCUSED_TTL = timedelta(hours=25)
DUPLICATE_WINDOW = timedelta(minutes=2)
RETRY_S = 1.0


def stream_configs(replicas: int = 1) -> tuple[StreamConfig, ...]:
    """Every stream: those of the table, the dead letters, and the bucket of excused deliveries."""
    streams = [*STREAMS.items(), (DEAD_STREAM, (DEAD_PREFIX + ">",))]
    return (
        *(_stream_config(name, subjects, replicas) for name, subjects in streams),
        _excused_config(replicas),
    )


def consumer_configs() -> tuple[tuple[str, ConsumerConfig], ...]:
    """Every durable consumer, with its stream's name."""
    return tuple(
        (
            event.stream,
            ConsumerConfig(
                name=durable_name(service, event.subject),
                durable_name=durable_name(service, event.subject),
                filter_subject=event.subject,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=ACK_WAIT.total_seconds(),
                # The runtime counts attempts and buries what runs out; the server shall never drop a message.
                max_deliver=-1,
            ),
        )
        for event in EVENTS
        for service in event.takers
    )


async def ensure(js: JetStreamContext, *, replicas: int = 1) -> None:
    """Create what is missing and update what differs; what is there keeps its messages and its place."""
    for stream in stream_configs(replicas):
        assert stream.name is not None
        try:
            await js.stream_info(stream.name)
            await js.update_stream(stream)
        except NotFoundError:
            await js.add_stream(stream)
    for name, consumer in consumer_configs():
        await js.add_consumer(name, consumer)


def _stream_config(name: str, subjects: tuple[str, ...], replicas: int) -> StreamConfig:
    age = MAX_AGE.get(name, timedelta())
    return StreamConfig(
        name=name,
        subjects=list(subjects),
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        max_age=age.total_seconds(),
        max_msg_size=MAX_MESSAGE_BYTES,
        duplicate_window=DUPLICATE_WINDOW.total_seconds(),
        num_replicas=replicas,
    )


def _excused_config(replicas: int) -> StreamConfig:
    # A key-value bucket is a stream of this shape. It is written out because the client's own call can make
    # a bucket but not update one.
    return StreamConfig(
        name=f"KV_{EXCUSED_BUCKET}",
        subjects=[f"$KV.{EXCUSED_BUCKET}.>"],
        storage=StorageType.FILE,
        max_age=EXCUSED_TTL.total_seconds(),
        max_msgs_per_subject=1,
        duplicate_window=DUPLICATE_WINDOW.total_seconds(),
        discard=DiscardPolicy.NEW,
        allow_direct=True,
        allow_rollup_hdrs=True,
        deny_delete=True,
        num_replicas=replicas,
    )


async def bootstrap() -> None:
    """Try until the server has taken everything.

    Raises:
        SystemExit: the server answered and refused, so that trying again cannot help.
    """
    url = os.environ.get("UPWELL_NATS_URL", "nats://127.0.0.1:4222")
    user, password = os.environ.get("UPWELL_NATS_USER"), os.environ.get("UPWELL_NATS_PASSWORD")
    replicas = int(os.environ.get("UPWELL_NATS_REPLICAS", "1"))
    while True:
        try:
            async with connection(url, user=user, password=password) as client:
                await ensure(client.jetstream(), replicas=replicas)
                return
        except BadRequestError as error:
            raise SystemExit(f"The bus refused the bootstrap step: {error}") from error
        except (BusError, NatsError, OSError) as error:
            # A server that has just begun, or a cluster without a leader yet, answers like this for a while.
            print(f"waiting: {error or type(error).__name__}", file=sys.stderr, flush=True)  # noqa: T201
            await asyncio.sleep(RETRY_S)


if __name__ == "__main__":
    asyncio.run(bootstrap())

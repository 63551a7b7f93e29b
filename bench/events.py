"""Typed events end to end, each acknowledged: ours beside a bare FastStream subscriber and raw nats-py.

All three pull one message at a time from a durable of a real server on this machine, publish with a window of 200,
and decode the same ProtoJSON. Ours adds what the others lack: attempts, dead letters, traces, envelopes.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import nats
from faststream import AckPolicy
from faststream.nats import JStream, NatsBroker, PullSub
from google.protobuf import json_format
from nats.js import JetStreamContext
from nats.js.api import AckPolicy as ConsumerAckPolicy
from nats.js.api import ConsumerConfig

from bench.measure import median, print_table, ratios
from shared.runtime.bus import Bus
from shared.runtime.codec import EventCodec
from shared.runtime.settings import ServiceSettings
from upwell.events import durable_name
from upwell.local.folder import DataFolder
from upwell.local.processes import Keeper
from upwell.local.record import renew_record
from upwell.local.servers import bus_server
from upwell.permissions import ADMIN
from upwell.registry.v1 import events_pb2 as registry
from upwell.streams import ensure

SUBJECT, STREAM = "dataset.produced", "CATALOGUE"
BODY = b'{"name":"pump-7","kind":"series/v1","manifestDigest":"9f8e","producer":"bench"}'
WINDOW = 200


class Counter:
    """Counts handled events and says when all are done."""

    def __init__(self, expected: int) -> None:
        self.left = expected
        self.done = asyncio.Event()

    async def handle(self, _body: object) -> None:
        self.left -= 1
        if self.left == 0:
            self.done.set()


@asynccontextmanager
async def server() -> AsyncIterator[str]:
    """A NATS server of our own; its admin URL."""
    with tempfile.TemporaryDirectory() as root:
        folder = DataFolder.at(Path(root))
        folder.make()
        record = renew_record(folder)
        keeper = Keeper(bus_server(folder, record), on_change=lambda: None)
        await keeper.start()
        try:
            yield record.bus_url(ADMIN)
        finally:
            await keeper.stop()


async def fill(js: JetStreamContext, count: int) -> None:
    """Publish events, a window at a time."""
    for begin in range(0, count, WINDOW):
        await asyncio.gather(*(js.publish(SUBJECT, BODY) for _ in range(min(WINDOW, count - begin))))


async def with_ours(url: str, durable: str, counter: Counter) -> None:
    bus = Bus(ServiceSettings(nats_url=url), service="svc_registry")
    assert durable == durable_name("svc_registry", SUBJECT)
    bus.take(registry.DatasetProduced, counter.handle)
    await bus.start()
    await counter.done.wait()
    await bus.stop()


async def with_faststream(url: str, durable: str, counter: Counter) -> None:
    broker = NatsBroker(url, codec=EventCodec(), ack_policy=AckPolicy.NACK_ON_ERROR, apply_types=False, logger=None)
    broker.subscriber(
        SUBJECT, stream=JStream(STREAM, declare=False), durable=durable, pull_sub=PullSub(batch_size=1, timeout=1)
    )(counter.handle)
    await broker.start()
    await counter.done.wait()
    await broker.stop()


async def with_nats(url: str, durable: str, counter: Counter) -> None:
    client = await nats.connect(url)
    sub = await client.jetstream().pull_subscribe(SUBJECT, durable=durable, stream=STREAM)
    while not counter.done.is_set():
        for message in await sub.fetch(1, timeout=5):
            await counter.handle(json_format.Parse(message.data, registry.DatasetProduced()))
            await message.ack()
    await client.close()


CONTENDERS: dict[str, Callable[[str, str, Counter], Awaitable[None]]] = {
    "upwell": with_ours,
    "bare FastStream": with_faststream,
    "raw nats-py": with_nats,
}


async def measure(count: int, repetitions: int) -> dict[str, dict[str, list[float]]]:
    """Events a second and CPU microseconds an event, contenders interleaved."""
    found: dict[str, dict[str, list[float]]] = {name: {"rate": [], "cpu_us": []} for name in CONTENDERS}
    durable = durable_name("svc_registry", SUBJECT)
    config = ConsumerConfig(
        durable_name=durable, filter_subject=SUBJECT, ack_policy=ConsumerAckPolicy.EXPLICIT, ack_wait=30
    )
    async with server() as url:
        admin = await nats.connect(url)
        js = admin.jetstream()
        await ensure(js)
        for _ in range(repetitions):
            for name, contender in CONTENDERS.items():
                await js.purge_stream(STREAM)
                await js.delete_consumer(STREAM, durable)
                await js.add_consumer(STREAM, config)
                await fill(js, count)
                counter = Counter(count)
                wall, cpu = time.perf_counter(), time.process_time()
                await contender(url, durable, counter)
                found[name]["rate"].append(count / (time.perf_counter() - wall))
                found[name]["cpu_us"].append((time.process_time() - cpu) / count * 1e6)
        await admin.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=4000)
    parser.add_argument("--repetitions", type=int, default=5)
    arguments = parser.parse_args()
    found = asyncio.run(measure(arguments.events, arguments.repetitions))
    ours = found["upwell"]["rate"]
    rows = [
        [
            name,
            median(values["rate"]),
            min(values["rate"]),
            max(values["rate"]),
            median(values["cpu_us"]),
            median(ratios(ours, values["rate"])),
        ]
        for name, values in found.items()
    ]
    columns = ["events taken, one at a time", "events/s", "min", "max", "CPU µs/event", "ours / this"]
    print_table("Typed events end to end", columns, rows, vars(arguments) | {"ack": "explicit", "storage": "file"})


if __name__ == "__main__":
    main()

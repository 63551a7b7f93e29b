"""The fate of a message on a real server: redelivery, dead letters, dedupe, excuses, drain."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import nats
import pytest
from nats.aio.client import Client
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.errors import APIError, NotFoundError

from shared.contracts.fate import ATTEMPTS
from shared.errors import InvalidInputError, RetryableError, UnavailableError
from shared.errors import NotFoundError as NothingThereError
from shared.runtime.bus import Bus
from shared.runtime.envelope import Outgoing, current_envelope
from shared.runtime.settings import ServiceSettings
from tests.support.servers import Servers
from upwell.events import DEAD_STREAM, MAX_BODY_BYTES, MAX_MESSAGE_BYTES, durable_name
from upwell.permissions import ADMIN
from upwell.registry.v1 import events_pb2 as registry
from upwell.streams import ensure

pytestmark = pytest.mark.connected
Handler = Callable[[registry.DatasetProduced], Awaitable[None]]
SUBJECT = "dataset.produced"


def settings_of(servers: Servers, service: str) -> ServiceSettings:
    environment = servers.environment(service)
    return ServiceSettings(
        nats_url=environment["UPWELL_NATS_URL"],
        nats_user=environment["UPWELL_NATS_USER"],
        nats_password=environment["UPWELL_NATS_PASSWORD"],  # type: ignore[arg-type]
        drain_seconds=5,
    )


@pytest.fixture
async def admin(servers: Servers) -> AsyncIterator[Client]:
    client = await nats.connect(servers.record.bus_url(ADMIN))
    js = client.jetstream()
    for stream in ("CATALOGUE", DEAD_STREAM):
        await js.purge_stream(stream)
    # A fresh durable: nothing of an earlier test is pending or excused.
    await js.delete_consumer("CATALOGUE", durable_name("svc_registry", SUBJECT))
    await ensure(js)
    yield client
    await client.close()


@asynccontextmanager
async def taking(servers: Servers, handler: Handler) -> AsyncIterator[Bus]:
    bus = Bus(settings_of(servers, "svc_registry"), service="svc_registry")
    bus.take(registry.DatasetProduced, handler)
    await bus.start()
    try:
        yield bus
    finally:
        await bus.stop()


async def publish(admin: Client, body: bytes = b'{"name":"pump"}', **headers: str) -> None:
    await admin.jetstream().publish(SUBJECT, body, headers=headers)


async def dead_letters(admin: Client, expected: int, within_s: float = 10.0) -> list[dict[str, str]]:
    """The headers of the dead letters, once so many are there."""
    js = admin.jetstream()
    limit = asyncio.get_running_loop().time() + within_s
    while (await js.stream_info(DEAD_STREAM)).state.messages < expected:
        assert asyncio.get_running_loop().time() < limit, f"fewer than {expected} dead letters"
        await asyncio.sleep(0.05)
    state = (await js.stream_info(DEAD_STREAM)).state
    letters = [await js.get_msg(DEAD_STREAM, seq) for seq in range(state.first_seq, state.last_seq + 1)]
    return [{**(letter.headers or {}), "body": (letter.data or b"").decode()} for letter in letters]


async def until(condition: Callable[[], object], within_s: float = 10.0) -> None:
    limit = asyncio.get_running_loop().time() + within_s
    while not condition():
        assert asyncio.get_running_loop().time() < limit, "not in time"
        await asyncio.sleep(0.02)


async def pending(admin: Client) -> int:
    info = await admin.jetstream().consumer_info("CATALOGUE", durable_name("svc_registry", SUBJECT))
    return (info.num_pending or 0) + (info.num_ack_pending or 0)


async def test_a_failure_is_tried_again_with_growing_delays_then_buried(servers: Servers, admin: Client) -> None:
    starts: list[float] = []

    async def fails(_body: registry.DatasetProduced) -> None:
        starts.append(asyncio.get_running_loop().time())
        raise RetryableError("the disk is slow")

    async with taking(servers, fails):
        await publish(admin, **{"ce-id": "event-1"})
        (letter,) = await dead_letters(admin, 1, within_s=15)
        assert await pending(admin) == 0
    assert len(starts) == ATTEMPTS
    pauses = [later - sooner for sooner, later in itertools.pairwise(starts)]
    assert pauses[-1] > 2 * pauses[0] > 0.2
    assert letter["upwell-reason"] == "the disk is slow"
    assert letter["upwell-subject"] == SUBJECT
    assert letter["upwell-stream"] == "CATALOGUE"
    assert letter["ce-id"] == "event-1"
    assert letter["body"] == '{"name":"pump"}'


async def test_a_failure_that_passes_costs_a_retry_and_nothing_else(servers: Servers, admin: Client) -> None:
    seen: list[str] = []

    async def fails_once(body: registry.DatasetProduced) -> None:
        seen.append(body.name)
        if len(seen) == 1:
            raise KeyError("a bug that comes and goes")

    async with taking(servers, fails_once):
        await publish(admin)
        await until(lambda: len(seen) == 2)
        await asyncio.sleep(0.3)
        assert await pending(admin) == 0
    assert (await admin.jetstream().stream_info(DEAD_STREAM)).state.messages == 0


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"{", "Failed to load JSON"), (b"[]", "not a JSON object"), (b'{"name":5}', "name")],
)
async def test_a_body_that_cannot_be_read_is_buried_at_once(
    servers: Servers, admin: Client, body: bytes, reason: str
) -> None:
    handled: list[str] = []

    async def handler(message: registry.DatasetProduced) -> None:
        handled.append(message.name)

    async with taking(servers, handler):
        await publish(admin, body)
        await publish(admin)
        (letter,) = await dead_letters(admin, 1)
        await until(lambda: handled == ["pump"])
    assert reason in letter["upwell-reason"]


async def test_a_permanent_error_is_buried_at_once(servers: Servers, admin: Client) -> None:
    tries: list[int] = []

    async def refuses(_body: registry.DatasetProduced) -> None:
        tries.append(1)
        raise NothingThereError("没有这样的数据集")

    async with taking(servers, refuses):
        await publish(admin)
        await dead_letters(admin, 1)
        await asyncio.sleep(0.5)
    assert len(tries) == 1


async def test_a_dependency_that_is_down_spends_nothing(
    servers: Servers, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The delays are shortened so that far more deliveries than attempts fit into the test.
    monkeypatch.setattr("shared.contracts.fate.MAX_DELAY_S", 0.05)
    tries: list[int] = []

    async def waits(_body: registry.DatasetProduced) -> None:
        tries.append(1)
        if len(tries) <= 3 * ATTEMPTS:
            raise UnavailableError("the store is down")

    async with taking(servers, waits):
        await publish(admin)
        await until(lambda: len(tries) == 3 * ATTEMPTS + 1, within_s=20)
        await asyncio.sleep(0.3)
        assert await pending(admin) == 0
    assert (await admin.jetstream().stream_info(DEAD_STREAM)).state.messages == 0


async def test_excuses_do_not_hide_the_handlers_own_failures(
    servers: Servers, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.contracts.fate.MAX_DELAY_S", 0.05)
    tries: list[int] = []

    async def mixed(_body: registry.DatasetProduced) -> None:
        tries.append(1)
        raise UnavailableError("down") if len(tries) % 2 else RetryableError("own fault")

    async with taking(servers, mixed):
        await publish(admin)
        await dead_letters(admin, 1, within_s=20)
    assert len(tries) == 2 * ATTEMPTS


async def test_a_message_that_kills_the_process_runs_out(servers: Servers, admin: Client) -> None:
    """Deliveries that were never answered count, so a killer ends in the dead letters before its handler runs."""
    durable = durable_name("svc_registry", SUBJECT)
    await publish(admin)
    sub = await admin.jetstream().pull_subscribe(SUBJECT, durable=durable, stream="CATALOGUE")
    for _ in range(ATTEMPTS):
        (message,) = await sub.fetch(1, timeout=5)
        await message.nak()  # as if the process had gone and the server delivered again
    ran: list[int] = []

    async def never(_body: registry.DatasetProduced) -> None:
        ran.append(1)

    async with taking(servers, never):
        (letter,) = await dead_letters(admin, 1)
    assert ran == []
    assert "attempts were spent" in letter["upwell-reason"]


async def test_the_same_event_twice_is_kept_once(servers: Servers, admin: Client) -> None:
    seen: list[str] = []

    async def handler(body: registry.DatasetProduced) -> None:
        seen.append(body.name)

    event_id = uuid.uuid4().hex
    async with taking(servers, handler) as bus:
        for _ in range(3):
            await publish(admin, **{"Nats-Msg-Id": event_id})
        await publish(admin, b'{"name":"last"}')
        await until(lambda: "last" in seen)
        assert bus.service == "svc_registry"
    assert seen == ["pump", "last"]


async def test_events_without_ids_get_one_that_redelivery_keeps(servers: Servers, admin: Client) -> None:
    ids: list[str] = []

    async def handler(_body: registry.DatasetProduced) -> None:
        ids.append(current_envelope().event_id)
        if len(ids) == 1:
            raise RetryableError("once")

    async with taking(servers, handler):
        await publish(admin)
        await until(lambda: len(ids) == 2)
    assert ids[0] == ids[1]


async def test_two_replicas_share_the_work(servers: Servers, admin: Client) -> None:
    seen: dict[str, list[str]] = {"a": [], "b": []}

    def replica(name: str) -> Handler:
        async def handler(body: registry.DatasetProduced) -> None:
            seen[name].append(body.name)
            await asyncio.sleep(0.02)

        return handler

    async with taking(servers, replica("a")), taking(servers, replica("b")):
        for number in range(40):
            await publish(admin, f'{{"name":"{number}"}}'.encode())
        await until(lambda: len(seen["a"]) + len(seen["b"]) >= 40)
        await asyncio.sleep(0.2)
    assert sorted(seen["a"] + seen["b"], key=int) == [str(number) for number in range(40)]
    assert seen["a"]
    assert seen["b"]


async def test_stopping_finishes_the_message_in_hand(servers: Servers, admin: Client) -> None:
    started, finished = asyncio.Event(), asyncio.Event()

    async def slow(_body: registry.DatasetProduced) -> None:
        started.set()
        await asyncio.sleep(1.0)
        finished.set()

    async with taking(servers, slow):
        await publish(admin)
        await asyncio.wait_for(started.wait(), 5)
    assert finished.is_set()
    assert await pending(admin) == 0


async def test_a_publisher_learns_of_the_limit(servers: Servers, admin: Client) -> None:
    bus = Bus(settings_of(servers, "svc_ingest"), service="svc_ingest")
    await bus.broker.connect()
    try:
        with pytest.raises(InvalidInputError, match=str(MAX_BODY_BYTES)):
            await bus.publish(Outgoing(subject=SUBJECT, headers={}, body=b"x" * (MAX_MESSAGE_BYTES + 1)))
    finally:
        await bus.broker.stop()
    with pytest.raises((APIError, NatsTimeoutError)) as caught:
        await publish(admin, b"x" * (MAX_MESSAGE_BYTES + 1))
    assert "maximum" in str(caught.value)


async def test_a_durable_that_was_deleted_is_noticed(servers: Servers, admin: Client) -> None:
    async def handler(_body: registry.DatasetProduced) -> None: ...

    durable = durable_name("svc_registry", SUBJECT)
    async with taking(servers, handler) as bus:
        assert await bus.missing_durables() == []
        await admin.jetstream().delete_consumer("CATALOGUE", durable)
        assert await bus.missing_durables() == [durable]
    with pytest.raises(NotFoundError):
        await admin.jetstream().consumer_info("CATALOGUE", durable)
    await ensure(admin.jetstream())


async def test_work_longer_than_the_ack_wait_is_done_once(
    servers: Servers, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    durable = durable_name("svc_registry", SUBJECT)
    info = await admin.jetstream().consumer_info("CATALOGUE", durable)
    await admin.jetstream().add_consumer("CATALOGUE", info.config.evolve(ack_wait=1.0))
    monkeypatch.setattr(Bus, "ack_wait_s", 1.0)
    starts: list[int] = []

    async def slow(_body: registry.DatasetProduced) -> None:
        starts.append(1)
        await asyncio.sleep(3.5)

    async with taking(servers, slow), taking(servers, slow):
        await publish(admin)
        await asyncio.sleep(5)
    assert len(starts) == 1
    assert await pending(admin) == 0

"""Each bus user, against a real server: what it must be able to do, and what it is refused."""

from __future__ import annotations

from contextlib import asynccontextmanager

import nats
import pytest
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from upwell.bus import connection
from upwell.errors import BusError
from upwell.events import EVENTS, INFER, LABEL, REGISTRY, SERVICES, TRAIN, durable_name
from upwell.permissions import ADMIN, CLIENT
from upwell.streams import ensure

pytestmark = [pytest.mark.connected, pytest.mark.asyncio(loop_scope="module")]


class Session:
    """A user's connection that remembers what the server refused."""

    def __init__(self, client: nats.NATS, refusals: list[str]) -> None:
        self.client = client
        self.js = client.jetstream(timeout=1)
        self._refusals = refusals

    async def may_publish(self, subject: str, body: bytes = b"{}") -> bool:
        self._refusals.clear()
        await self.client.publish(subject, body)
        await self.settle()
        return not self._refused()

    async def may_subscribe(self, subject: str) -> bool:
        self._refusals.clear()
        subscription = await self.client.subscribe(subject)
        await self.settle()
        if self._refused():
            return False
        await subscription.unsubscribe()
        return True

    async def settle(self) -> None:
        # The client's first ping may overtake what it has buffered; its second one comes after it.
        await self.client.flush()
        await self.client.flush()

    def _refused(self) -> bool:
        return any("permissions violation" in refusal.lower() for refusal in self._refusals)


@asynccontextmanager
async def session(record, user):
    refusals: list[str] = []

    async def remember(error: Exception) -> None:
        refusals.append(str(error))

    client = await nats.connect(record.bus_url(user), error_cb=remember, allow_reconnect=False)
    try:
        yield Session(client, refusals)
    finally:
        await client.close()


async def test_a_stranger_is_refused(bus):
    # The server may close the connection before its reason is read.
    with pytest.raises(BusError, match="could not be used"):
        async with connection(f"nats://{CLIENT}:wrong@{bus.address('nats')}"):
            pass
    with pytest.raises(BusError, match="could not be used"):
        async with connection(f"nats://{bus.address('nats')}"):
            pass


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_publishes_its_own_subjects_and_no_other(bus, service):
    async with session(bus, service) as user:
        for event in EVENTS:
            assert await user.may_publish(event.subject) == (service in event.publishers), event.subject
        assert await user.may_publish("dead.anything")
        assert not await user.may_publish("$JS.API.STREAM.DELETE.TRAIN")
        assert not await user.may_publish("$JS.API.STREAM.MSG.GET.DEAD")
        assert not await user.may_publish("_INBOX.somebody.else")
        assert not await user.may_subscribe("train.>")


@pytest.mark.parametrize(
    ("service", "event"), [(service, event) for event in EVENTS for service in event.takers], ids=str
)
async def test_a_service_takes_from_its_durables(bus, service, event):
    async with session(bus, ADMIN) as admin, session(bus, service) as user:
        await admin.js.publish(event.subject, b"{}")
        name = durable_name(service, event.subject)
        await user.js.consumer_info(event.stream, name)
        subscription = await user.js.pull_subscribe_bind(durable=name, stream=event.stream)
        messages = await subscription.fetch(1, timeout=2)
        await messages[0].ack_sync(timeout=2)


async def test_a_service_counts_excused_deliveries(bus):
    async with session(bus, LABEL) as user:
        bucket = await user.js.key_value("excused")
        await bucket.put("INFER.svc_label-infer-completed.17", b"3")
        entry = await bucket.get("INFER.svc_label-infer-completed.17")
        assert entry.value == b"3"


@pytest.mark.parametrize("subject", [event.subject for event in EVENTS if INFER in event.broadcast])
async def test_svc_infer_hears_broadcasts_and_leaves_others_consumers_alone(bus, subject):
    async with session(bus, REGISTRY) as registry, session(bus, INFER) as infer:
        await registry.js.publish(subject, b'{"alias":"champion"}')
        subscription = await infer.js.pull_subscribe(
            subject,
            stream="CATALOGUE",
            config=ConsumerConfig(deliver_policy=DeliverPolicy.LAST_PER_SUBJECT, inactive_threshold=30),
        )
        messages = await subscription.fetch(1, timeout=2)
        assert messages[0].data == b'{"alias":"champion"}'
        await messages[0].ack_sync(timeout=2)
        theirs = durable_name(REGISTRY, "dataset.produced")
        assert not await infer.may_publish(f"$JS.API.CONSUMER.MSG.NEXT.CATALOGUE.{theirs}")
        assert not await infer.may_publish(f"$JS.ACK.CATALOGUE.{theirs}.1.1.1.1.1")
        assert not await infer.may_publish("$JS.API.CONSUMER.CREATE.CATALOGUE.mine.dataset.produced")


async def test_a_client_publishes_requests_only(bus):
    async with session(bus, CLIENT) as client:
        for event in EVENTS:
            assert await client.may_publish(event.subject) == event.is_request, event.subject
        assert (await client.js.publish("train.requested", b'{"recipe":"series-lm"}')).stream == "TRAIN"
        assert not await client.may_publish("dead.train.requested")
        assert not await client.may_publish("$KV.excused.TRAIN.x.1")


async def test_a_client_reads_facts_live_and_from_the_start(bus):
    async with session(bus, TRAIN) as train, session(bus, CLIENT) as client:
        live = await client.client.subscribe("train.*")
        await client.settle()
        stored = await train.js.publish("train.failed", b'{"run_id":"7"}')
        assert (await live.next_msg(timeout=2)).data == b'{"run_id":"7"}'
        assert (await client.js.get_last_msg("TRAIN", "train.failed")).seq == stored.seq
        first = await client.js.get_msg("TRAIN", 1, subject="train.*", next=True)
        assert first.seq >= 1
        assert (await client.js.stream_info("TRAIN")).state.last_seq == stored.seq


async def test_a_client_reads_no_dead_letters(bus):
    async with session(bus, CLIENT) as client:
        assert not await client.may_publish("$JS.API.CONSUMER.CREATE.DEAD.x.dead.>")
        assert not await client.may_publish("$JS.API.CONSUMER.CREATE.DEAD")
        assert not await client.may_publish("$JS.API.STREAM.MSG.GET.DEAD")
        assert not await client.may_subscribe("dead.>")
        assert not await client.may_subscribe(">")


async def test_a_client_neither_makes_nor_changes_nor_uses_a_consumer(bus):
    name = durable_name(TRAIN, "train.requested")
    async with session(bus, CLIENT) as client:
        # The server delivers with its own rights, wherever a consumer asks it to: making one is forging facts.
        assert not await client.may_publish("$JS.API.CONSUMER.CREATE.TRAIN.mine.train.requested")
        assert not await client.may_publish("$JS.API.CONSUMER.CREATE.TRAIN.mine")
        # And it finds the name of the consumer to change in the body of this one.
        assert not await client.may_publish("$JS.API.CONSUMER.CREATE.TRAIN")
        assert not await client.may_publish(f"$JS.API.CONSUMER.DURABLE.CREATE.TRAIN.{name}")
        assert not await client.may_publish(f"$JS.API.CONSUMER.DELETE.TRAIN.{name}")
        assert not await client.may_publish(f"$JS.API.CONSUMER.MSG.NEXT.TRAIN.{name}")
        assert not await client.may_publish(f"$JS.ACK.TRAIN.{name}.1.1.1.1.1")


async def test_an_operator_reads_dead_letters_and_publishes_them_again(bus):
    async with session(bus, TRAIN) as train, session(bus, ADMIN) as admin:
        stored = await train.js.publish("dead.train.requested", b"{}", headers={"upwell-reason": "no"})
        letter = await admin.js.get_msg("DEAD", stored.seq)
        assert letter.headers == {"upwell-reason": "no"}
        assert (await admin.js.publish("train.requested", letter.data)).stream == "TRAIN"


async def test_a_deleted_durable_comes_back(bus):
    name = durable_name(LABEL, "infer.completed")
    async with session(bus, ADMIN) as admin:
        await admin.js.delete_consumer("INFER", name)
        await ensure(admin.js)
        config = (await admin.js.consumer_info("INFER", name)).config
        assert (config.ack_wait, config.max_deliver, config.ack_policy) == (30, -1, AckPolicy.EXPLICIT)


async def test_the_bus_refuses_a_body_over_the_limit(bus):
    async with session(bus, CLIENT) as client:
        with pytest.raises(nats.js.errors.APIError, match="message size exceeds maximum allowed"):
            await client.js.publish("train.requested", b" " * (256 * 1024 + 1))

"""What waits for webhooks: one suite on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import select

from shared.runtime.database import Database
from shared.runtime.migrations import migrate
from shared.runtime.outbox import OutboxRow
from svc_registry.adapters.store import SqlRegistryStore
from svc_registry.adapters.webhooks import SqlDeliveries
from svc_registry.bootstrap import MIGRATIONS
from svc_registry.domain.events import BaseRegistered
from svc_registry.domain.webhooks import Delivery

pytestmark = pytest.mark.connected
ONE, TWO = "http://hooks/one", "http://hooks/two"


@pytest.fixture
def store(database: Database) -> SqlRegistryStore:
    migrate(database, MIGRATIONS)
    return SqlRegistryStore(database, source="svc_registry", webhooks=(ONE, TWO))


def announce(store: SqlRegistryStore, *digests: str) -> None:
    for digest in digests:
        with store.transaction() as tx:
            tx.outbox.add(BaseRegistered(name="基座", digest=digest))


def digest_of(delivery: Delivery | None) -> str:
    assert delivery is not None
    return str(json.loads(delivery.body)["data"]["base"]["digest"])


def test_an_event_waits_for_the_bus_and_for_each_webhook(database: Database, store: SqlRegistryStore) -> None:
    announce(store, "a")
    deliveries = SqlDeliveries(database)
    one, two = (deliveries.claim(url, lease_s=60) for url in (ONE, TWO))
    assert one is not None
    assert two is not None
    assert (one.url, two.url, one.body, one.attempts) == (ONE, TWO, two.body, 1)
    with database.reading() as session:
        (row,) = session.exec(select(OutboxRow)).all()
    envelope = json.loads(one.body)
    assert envelope["id"] == one.event_id == row.headers["ce-id"]
    assert envelope["type"] == "upwell.registry.v1.BaseRegistered"
    assert (envelope["subject"], envelope["specversion"]) == ("base.registered", "1.0")
    assert envelope["data"] == {"base": {"name": "基座", "digest": "a"}} == json.loads(row.body)


def test_nothing_waits_when_the_transaction_fails(database: Database, store: SqlRegistryStore) -> None:
    def fail() -> None:
        with store.transaction() as tx:
            tx.outbox.add(BaseRegistered(name="a", digest="a"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert SqlDeliveries(database).claim(ONE, lease_s=60) is None


def test_what_is_claimed_is_nobody_elses_until_the_lease_lapses(database: Database, store: SqlRegistryStore) -> None:
    announce(store, "a", "b")
    deliveries = SqlDeliveries(database)
    assert digest_of(deliveries.claim(ONE, lease_s=60)) == "a", "the oldest first"
    second, again = deliveries.claim(ONE, lease_s=0), deliveries.claim(ONE, lease_s=60)
    assert digest_of(second) == digest_of(again) == "b"
    assert again is not None
    assert again.attempts == 2, "a lapsed lease is another attempt"
    assert deliveries.claim(ONE, lease_s=60) is None


def test_postponed_and_removed(database: Database, store: SqlRegistryStore) -> None:
    announce(store, "a", "b")
    deliveries = SqlDeliveries(database)
    first, second = deliveries.claim(ONE, lease_s=60), deliveries.claim(ONE, lease_s=60)
    assert first is not None
    assert second is not None
    deliveries.postpone(first.id, delay_s=-1)
    deliveries.remove(second.id)
    deliveries.remove(second.id)
    deliveries.postpone(second.id, delay_s=-1)
    assert digest_of(deliveries.claim(ONE, lease_s=60)) == "a"
    assert deliveries.claim(ONE, lease_s=60) is None


def test_replicas_share_the_work(database: Database, store: SqlRegistryStore) -> None:
    announce(store, *(f"{number:03}" for number in range(24)))
    together = threading.Barrier(4)

    def claim_all(_: int) -> list[int]:
        deliveries, mine = SqlDeliveries(database), []
        together.wait()
        while len(mine) < 6:  # another one's lock may hide what is left, so an empty answer is no end
            claimed = deliveries.claim(ONE, lease_s=60)
            mine += [claimed.id] if claimed else []
        return mine

    with ThreadPoolExecutor(4) as pool:
        claimed = [number for mine in pool.map(claim_all, range(4)) for number in mine]
    assert len(claimed) == len(set(claimed)) == 24

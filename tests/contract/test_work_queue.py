"""Recorded work and the outbox, shared by the working services: one suite on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from shared.contracts.work import Failure, Work, WorkState
from shared.errors import ConflictError, InvalidInputError, NotFoundError, StateError, UnavailableError
from shared.runtime.database import Database
from shared.runtime.envelope import Outgoing
from shared.runtime.migrations import migrate
from shared.runtime.outbox import OutboxRelay
from svc_ingest.adapters.store import SqlIngestStore
from svc_ingest.bootstrap import MIGRATIONS
from svc_ingest.domain.events import DatasetProduced

pytestmark = pytest.mark.connected
THREADS = 8
FAILURE = Failure(cause="invalid_input", reason="why", remedy="do", evidence=("line 1", "line 2"))
BODY = {"name": "pump", "options": {"channels": ["温度"], "downsample_to": 0}}


@pytest.fixture
def store(database: Database) -> SqlIngestStore:
    migrate(database, MIGRATIONS)
    return SqlIngestStore(database, source="svc_ingest")


def record(store: SqlIngestStore, work_id: str = "job", body: Any = None) -> bool:
    with store.transaction() as tx:
        return tx.work.record(work_id, BODY if body is None else body)


def record_as(store: SqlIngestStore, work_id: str, _recorder: int) -> bool:
    return record(store, work_id)


def claim(store: SqlIngestStore, lease_s: float = 60) -> Work | None:
    with store.transaction() as tx:
        return tx.work.claim(lease_s=lease_s)


def claimed(store: SqlIngestStore, lease_s: float = 60) -> Work:
    work = claim(store, lease_s)
    assert work is not None
    return work


def get(store: SqlIngestStore, work_id: str = "job") -> Work:
    with store.reading() as tx:
        return tx.work.get(work_id)


def do(store: SqlIngestStore, change: Callable[[Any], Any]) -> Any:
    """One change of the queue in a transaction of its own."""
    with store.transaction() as tx:
        return change(tx.work)


def all_at_once(work: Callable[[int], Any], count: int = THREADS) -> list[Any]:
    """The results of `count` threads that begin together."""
    together = threading.Barrier(count)

    def begin(number: int) -> Any:
        together.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))


def test_work_from_its_request_to_its_result(store: SqlIngestStore) -> None:
    assert record(store)
    waiting = get(store)
    assert (waiting.state, waiting.attempt, waiting.request) == (WorkState.QUEUED, 0, BODY)
    assert waiting.created_at.tzinfo is not None
    held = claimed(store)
    assert (held.id, held.state, held.attempt) == ("job", WorkState.RUNNING, 1)
    assert claim(store) is None
    do(store, lambda work: work.complete("job", 1, {"digest": "d"}))
    done = get(store)
    assert (done.state, done.result, done.failure) == (WorkState.COMPLETED, {"digest": "d"}, None)
    assert done.finished_at is not None
    assert done.finished_at >= done.created_at
    assert claim(store) is None


def test_a_failure_comes_back_as_it_was(store: SqlIngestStore) -> None:
    record(store)
    claimed(store)
    do(store, lambda work: work.fail("job", 1, FAILURE))
    assert (get(store).state, get(store).failure) == (WorkState.FAILED, FAILURE)


def test_the_same_request_stands_and_another_conflicts(store: SqlIngestStore) -> None:
    assert record(store)
    assert not record(store)
    with pytest.raises(ConflictError, match="job is already used by another request"):
        record(store, body={**BODY, "name": "other"})
    claimed(store)
    do(store, lambda work: work.complete("job", 1, {}))
    assert not record(store)
    assert get(store).state is WorkState.COMPLETED


def test_one_of_many_recorders_is_the_first(store: SqlIngestStore) -> None:
    for work_id in ("job-0", "job-1", "job-2", "job-3"):
        assert all_at_once(partial(record_as, store, work_id)).count(True) == 1


def test_many_claimers_share_the_work_without_a_twin(store: SqlIngestStore) -> None:
    ids = {f"job-{number}" for number in range(24)}
    for work_id in ids:
        record(store, work_id)

    def take_all(_: int) -> list[str]:
        taken = []
        misses = 0
        # A claimer may see nothing while another holds the rows it looked at.
        while misses < 5:
            work = claim(store)
            misses = misses + 1 if work is None else 0
            if work is not None:
                taken.append(work.id)
        return taken

    taken = [work_id for some in all_at_once(take_all, 4) for work_id in some]
    assert sorted(taken) == sorted(ids)
    assert {get(store, work_id).attempt for work_id in ids} == {1}


def test_the_oldest_is_claimed_first(store: SqlIngestStore) -> None:
    for number in range(3):
        record(store, f"job-{number}")
    assert [claimed(store).id for _ in range(3)] == ["job-0", "job-1", "job-2"]


def test_a_lapsed_lease_is_a_new_attempt_and_fences_the_old_one(store: SqlIngestStore) -> None:
    record(store)
    claimed(store, lease_s=-1)
    assert claimed(store).attempt == 2
    for change in (
        lambda work: work.renew("job", 1, lease_s=60),
        lambda work: work.complete("job", 1, {"by": "the old one"}),
        lambda work: work.fail("job", 1, FAILURE),
        lambda work: work.release("job", 1, delay_s=0, waiting_for="", spent=True, excused=False),
    ):
        with pytest.raises(StateError, match="Attempt 1 of job no longer holds its lease"):
            do(store, change)
    do(store, lambda work: work.complete("job", 2, {"by": "the new one"}))
    # What was never heard of again counts as a failure of its own.
    assert (get(store).result, get(store).spent) == ({"by": "the new one"}, 1)


def test_waiting_for_a_name_is_no_attempt(store: SqlIngestStore) -> None:
    record(store)
    for _ in range(3):
        work = claimed(store)
        assert work.attempt == 1
        do(store, lambda work: work.wait("job", 1, delay_s=0, waiting_for="no dataset 'pump'"))
    first = get(store)
    assert (first.state, first.spent, first.excused) == (WorkState.QUEUED, 0, 0)
    assert first.waiting_for == "no dataset 'pump'"
    assert first.waiting_since is not None
    assert first.created_at <= first.waiting_since
    assert claimed(store).waiting_since == first.waiting_since


def test_a_renewed_lease_is_kept(store: SqlIngestStore) -> None:
    record(store)
    claimed(store, lease_s=0.4)
    do(store, lambda work: work.renew("job", 1, lease_s=60))
    time.sleep(0.5)
    assert claim(store) is None


def test_a_lease_that_lapsed_is_renewed_while_nobody_took_the_work(store: SqlIngestStore) -> None:
    record(store)
    claimed(store, lease_s=-1)
    do(store, lambda work: work.renew("job", 1, lease_s=60))
    assert claim(store) is None


def test_what_is_undone_leaves_no_trace(store: SqlIngestStore) -> None:
    """An attempt that lost its lease rolls back all that its transaction did, its event too."""
    record(store)
    claimed(store, lease_s=-1)
    claimed(store)

    def finish_late() -> None:
        with store.transaction() as tx:
            tx.outbox.add(DatasetProduced(name="pump", kind="series/v1", digest="d", job_id="job"))
            tx.work.complete("job", 1, {})

    with pytest.raises(StateError):
        finish_late()
    assert published(store, FakeBus()) == []


def test_released_work_is_due_after_its_delay_and_says_what_it_waits_for(store: SqlIngestStore) -> None:
    record(store)
    claimed(store)
    do(store, lambda work: work.release("job", 1, delay_s=60, waiting_for="pump@9", spent=False, excused=True))
    put_back = get(store)
    assert (put_back.state, put_back.waiting_for, put_back.excused, put_back.spent) == (
        WorkState.QUEUED,
        "pump@9",
        1,
        0,
    )
    assert claim(store) is None

    record(store, "other")
    claimed(store)
    do(store, lambda work: work.release("other", 1, delay_s=0, waiting_for="", spent=True, excused=False))
    again = claimed(store)
    assert (again.id, again.attempt, again.spent, again.waiting_for) == ("other", 2, 1, "")


def test_cancelled_work_is_nobodys(store: SqlIngestStore) -> None:
    record(store)
    claimed(store)
    do(store, lambda work: work.cancel("job"))
    assert get(store).state is WorkState.CANCELLED
    with pytest.raises(StateError):
        do(store, lambda work: work.complete("job", 1, {}))
    with pytest.raises(StateError, match="job has ended already: it is cancelled"):
        do(store, lambda work: work.cancel("job"))
    with pytest.raises(NotFoundError):
        do(store, lambda work: work.cancel("nobody"))


def test_a_cancel_that_meets_a_completion_comes_too_late(store: SqlIngestStore) -> None:
    record(store)
    claimed(store)
    begun = threading.Event()

    def cancel() -> str:
        begun.set()
        try:
            do(store, lambda work: work.cancel("job"))
        except StateError:
            return "too late"
        return "cancelled"

    with ThreadPoolExecutor(1) as pool:
        with store.transaction() as tx:
            tx.work.complete("job", 1, {"digest": "d"})
            cancelling = pool.submit(cancel)
            begun.wait()
            time.sleep(0.3)  # the other transaction has looked by now, or waits for this one
        assert cancelling.result(10) == "too late"
    assert (get(store).state, get(store).result) == (WorkState.COMPLETED, {"digest": "d"})


def test_work_is_listed_newest_first(store: SqlIngestStore) -> None:
    for number in range(4):
        record(store, f"job-{number}")
    claimed(store)
    with store.reading() as tx:
        assert [work.id for work in tx.work.list(limit=3)] == ["job-3", "job-2", "job-1"]
        assert [work.id for work in tx.work.list(limit=10, state=WorkState.RUNNING)] == ["job-0"]
    with pytest.raises(NotFoundError, match="There is no job 'nobody'"):
        get(store, "nobody")


def test_a_job_kept_as_it_ended_is_listed_and_stands(store: SqlIngestStore) -> None:
    record(store, "queued")
    ended = claimed(store)
    kept = Work(
        id="kept",
        request=BODY,
        state=WorkState.FAILED,
        attempt=1,
        spent=1,
        excused=0,
        created_at=ended.created_at,
        finished_at=ended.created_at,
        failure=FAILURE,
    )
    do(store, lambda work: work.keep(kept))
    assert get(store, "kept") == kept
    other = Work(**{**{field: getattr(kept, field) for field in Work.__slots__}, "state": WorkState.CANCELLED})
    do(store, lambda work: work.keep(other))
    assert get(store, "kept").state is WorkState.FAILED


# --- the outbox ---


def test_ended_work_is_queued_again_with_nothing_spent(store: SqlIngestStore) -> None:
    record(store)
    claimed(store)
    do(store, lambda work: work.release("job", 1, delay_s=0, waiting_for="", spent=True, excused=True))
    claimed(store)
    with pytest.raises(StateError, match="cannot go on: it is running"):
        do(store, lambda work: work.reopen("job"))
    do(store, lambda work: work.fail("job", 2, FAILURE))
    do(store, lambda work: work.reopen("job"))
    again = get(store)
    assert (again.state, again.attempt, again.spent, again.excused) == (WorkState.QUEUED, 2, 0, 0)
    assert (again.failure, again.finished_at) == (None, None)
    assert claimed(store).attempt == 3
    with pytest.raises(NotFoundError):
        do(store, lambda work: work.reopen("other"))


def test_only_the_newest_attempt_holds_its_work_also_when_it_was_cancelled(store: SqlIngestStore) -> None:
    record(store)
    claimed(store, lease_s=0)
    do(store, lambda work: work.hold("job", 1))
    claimed(store)
    with pytest.raises(StateError, match="not its newest one"):
        do(store, lambda work: work.hold("job", 1))
    do(store, lambda work: work.cancel("job"))
    do(store, lambda work: work.hold("job", 2))
    do(store, lambda work: work.reopen("job"))
    with pytest.raises(StateError):
        do(store, lambda work: work.hold("job", 2))


def test_what_was_spent_is_forgiven_by_the_holder(store: SqlIngestStore) -> None:
    record(store)
    claimed(store, lease_s=0)
    assert claimed(store).spent == 1
    do(store, lambda work: work.forgive("job", 2))
    assert get(store).spent == 0
    with pytest.raises(StateError):
        do(store, lambda work: work.forgive("job", 1))


def test_the_line_is_in_the_order_of_claims_and_without_what_waits_for_a_name(store: SqlIngestStore) -> None:
    for work_id in ("a", "b", "c"):
        record(store, work_id)
    assert do(store, lambda work: work.line(limit=10)) == ["a", "b", "c"]
    claimed(store)
    do(store, lambda work: work.wait("a", 1, delay_s=0, waiting_for="pump@1", is_patient=True))
    assert get(store, "a").waiting_since is None
    assert do(store, lambda work: work.line(limit=10)) == ["b", "c"]
    assert do(store, lambda work: work.line(limit=1)) == ["b"]


class FakeBus:
    """Keeps what is published; refuses subjects of `refusing`, and everything while it is down."""

    def __init__(self) -> None:
        self.published: list[Outgoing] = []
        self.too_large: set[str] = set()
        self.down = False
        self.buried: list[tuple[str, str]] = []

    async def bury_outgoing(self, outgoing: Outgoing, reason: str) -> None:
        self.buried.append((outgoing.headers["ce-id"], reason))

    async def publish(self, outgoing: Outgoing) -> None:
        if self.down:
            raise UnavailableError("the bus does not answer")
        if outgoing.headers["ce-id"] in self.too_large:
            raise InvalidInputError("over the limit")
        self.published.append(outgoing)


def published(store: SqlIngestStore, bus: FakeBus) -> list[str]:
    """The names in what a relay publishes until the outbox is empty or the bus is down."""

    async def relay_all() -> None:
        relay = OutboxRelay(store._database, bus)  # type: ignore[arg-type]
        relay.stop()
        await relay.run()

    asyncio.run(relay_all())
    return [outgoing.body.decode().split('"')[3] for outgoing in bus.published]


def announce(store: SqlIngestStore, *names: str) -> None:
    with store.transaction() as tx:
        for name in names:
            tx.outbox.add(DatasetProduced(name=name, kind="series/v1", digest="d", job_id="job"))


def test_events_are_published_in_order_and_once(store: SqlIngestStore) -> None:
    announce(store, "a", "b")
    announce(store, "温度")
    bus = FakeBus()
    assert published(store, bus) == ["a", "b", "温度"]
    assert published(store, bus) == ["a", "b", "温度"]
    assert len({outgoing.headers["Nats-Msg-Id"] for outgoing in bus.published}) == 3


def test_events_of_a_failed_transaction_are_never_published(store: SqlIngestStore) -> None:
    def fail_after() -> None:
        with store.transaction() as tx:
            tx.outbox.add(DatasetProduced(name="a", kind="series/v1", digest="d", job_id="job"))
            raise ConflictError("the rest failed")

    with pytest.raises(ConflictError):
        fail_after()
    assert published(store, FakeBus()) == []


def test_events_wait_while_the_bus_is_down(store: SqlIngestStore) -> None:
    announce(store, "a", "b")
    bus = FakeBus()
    bus.down = True
    assert published(store, bus) == []
    bus.down = False
    assert published(store, bus) == ["a", "b"]


def test_a_commit_wakes_the_relay(store: SqlIngestStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.runtime.outbox.POLL_S", 3600.0)
    bus = FakeBus()

    async def commit_while_it_waits() -> None:
        relay = OutboxRelay(store._database, bus)  # type: ignore[arg-type]
        running = asyncio.create_task(relay.run())
        await asyncio.sleep(0.2)  # it has looked, found nothing and waits for an hour
        await asyncio.to_thread(announce, store, "a")
        async with asyncio.timeout(20):
            while not bus.published:
                await asyncio.sleep(0.01)
        relay.stop()
        await running

    asyncio.run(commit_while_it_waits())
    assert len(bus.published) == 1


def test_an_event_that_can_never_be_published_dams_up_nothing(store: SqlIngestStore) -> None:
    announce(store, "a", "b")
    probe = FakeBus()
    probe.down = False
    assert published(store, probe) == ["a", "b"]
    announce(store, "a", "b")
    bus = FakeBus()
    bus.too_large = {probe.published[0].headers["ce-id"]}
    assert published(store, bus) == ["b"]
    assert bus.buried == [(probe.published[0].headers["ce-id"], "over the limit")]
    assert published(store, FakeBus()) == []

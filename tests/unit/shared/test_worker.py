"""The worker: what becomes of work by what doing it raised."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from google.protobuf.message import Message
from sqlmodel import Session

from shared.contracts.fate import ATTEMPTS
from shared.contracts.work import Failure, Work, WorkState
from shared.errors import InvalidInputError, NotYetError, PendingError, RetryableError, UnavailableError
from shared.runtime.database import Database
from shared.runtime.outbox import OutboxRow, SqlOutbox
from shared.runtime.work import SqlWork, WorkRow
from shared.runtime.worker import Lease, Worker
from upwell.train.v1 import events_pb2

Execute = Callable[[Work, Lease], None]


@dataclass(frozen=True)
class Failed:
    """The event for work that failed for good."""

    work_id: str


class Transaction:
    """What every working service has in a transaction, and nothing more."""

    def __init__(self, session: Session) -> None:
        self.work = SqlWork(session)
        self.outbox: SqlOutbox[Failed] = SqlOutbox(session, source="svc_train", translate=to_message)


class Store:
    """Transactions over SQLite."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with self._database.transaction() as session:
            yield Transaction(session)


def to_message(event: Failed) -> tuple[Message, str]:
    return events_pb2.TrainFailed(run_id=event.work_id), event.work_id


@pytest.fixture
def store(tmp_path: Path) -> Store:
    database = Database(f"sqlite:///{tmp_path / 'work.db'}", schema="any")
    tables = [row.__table__ for row in (WorkRow, OutboxRow)]  # type: ignore[attr-defined]
    WorkRow.metadata.create_all(database.engine, tables=tables)
    return Store(database)


def failed(work: Work, _failure: Failure) -> Failed:
    return Failed(work.id)


async def work_until(
    store: Store, execute: Execute, ended: Callable[[Work], bool], *, patience_s: float = 30.0
) -> Work:
    """Run a worker over one recorded piece of work until it has come so far."""
    with store.transaction() as tx:
        tx.work.record("job", {"name": "pump"})
    worker = Worker(name="test", store=store, execute=execute, on_failed=failed, lease_s=60, patience_s=patience_s)
    running = asyncio.create_task(worker.run())
    try:
        async with asyncio.timeout(20):
            while not ended(work := get(store)):
                await asyncio.sleep(0.02)
        return work
    finally:
        worker.stop()
        await running


def get(store: Store) -> Work:
    with store.transaction() as tx:
        return tx.work.get("job")


def is_final(work: Work) -> bool:
    return work.state.is_final


def raising(*errors: Exception) -> tuple[Execute, list[int]]:
    """Raises each error in turn, then the last one again; and the attempts that were begun."""
    begun: list[int] = []

    def execute(work: Work, _lease: Lease) -> None:
        begun.append(work.attempt)
        raise errors[min(len(begun), len(errors)) - 1]

    return execute, begun


async def test_a_permanent_error_fails_at_once(store: Store) -> None:
    execute, begun = raising(InvalidInputError.of("path", "no such file"))
    work = await work_until(store, execute, is_final)
    assert work.state is WorkState.FAILED
    assert work.failure == Failure(cause="invalid_input", reason="path: no such file")
    assert begun == [1]


async def test_a_retryable_error_fails_when_the_attempts_are_spent(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.contracts.fate.MAX_DELAY_S", 0.01)
    execute, begun = raising(RetryableError("once more"))
    work = await work_until(store, execute, is_final)
    assert (work.state, len(begun)) == (WorkState.FAILED, ATTEMPTS)


async def test_what_another_makes_is_waited_for_without_losing_patience(store: Store) -> None:
    execute, begun = raising(*[PendingError("the run before")] * 2, NotYetError("its number"))
    work = await work_until(store, execute, lambda work: work.state.is_final or len(begun) == 3, patience_s=1.5)
    assert not work.state.is_final, "the patience began with the number, not with the run"
    assert begun == [1, 1, 1]


async def test_what_was_spent_before_may_be_forgiven_meanwhile(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.contracts.fate.MAX_DELAY_S", 0.01)
    begun: list[int] = []

    def execute(work: Work, _lease: Lease) -> None:
        begun.append(work.attempt)
        if work.attempt <= 2 * ATTEMPTS:
            with store.transaction() as tx:
                tx.work.forgive(work.id, work.attempt)
        raise RetryableError("once more")

    work = await work_until(store, execute, is_final)
    assert (work.state, len(begun)) == (WorkState.FAILED, 3 * ATTEMPTS - 1)


async def test_a_dependency_that_is_down_spends_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.contracts.fate.MAX_DELAY_S", 0.01)
    execute, _ = raising(UnavailableError("down"))
    work = await work_until(store, execute, lambda work: work.excused > 2 * ATTEMPTS)
    assert (work.spent, work.waiting_for) == (0, "down") or work.state is WorkState.RUNNING


async def test_a_name_that_never_comes_fails_after_the_patience(store: Store) -> None:
    execute, begun = raising(NotYetError("There is no dataset 'pump'"))
    work = await work_until(store, execute, is_final, patience_s=1.5)
    assert work.failure == Failure(cause="not_yet", reason="There is no dataset 'pump'")
    assert set(begun) == {1}
    assert len(begun) >= 2


async def test_work_that_takes_its_process_along_runs_out(store: Store) -> None:
    with store.transaction() as tx:
        tx.work.record("job", {"name": "pump"})
    for _ in range(ATTEMPTS):  # a lease that lapses at once: the process was never heard of again
        with store.transaction() as tx:
            assert tx.work.claim(lease_s=-1) is not None
    execute, begun = raising(RetryableError("never reached"))
    work = await work_until(store, execute, is_final)
    assert begun == []
    assert work.failure is not None
    assert work.failure.cause == "attempts_spent"


async def test_a_bug_in_what_tells_of_a_failure_does_not_end_the_worker(store: Store) -> None:
    execute, _ = raising(InvalidInputError.of("path", "wrong"))
    told: list[str] = []

    def stumbles(work: Work, failure: Failure) -> Failed:
        told.append(work.id)
        if len(told) == 1:
            raise KeyError("a field of an older release")
        return failed(work, failure)

    with store.transaction() as tx:
        tx.work.record("job", {"name": "pump"})
    worker = Worker(name="test", store=store, execute=execute, on_failed=stumbles, lease_s=0.3)
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(20):
        while not get(store).state.is_final:
            await asyncio.sleep(0.02)
    worker.stop()
    await running
    assert len(told) == 2

"""Does recorded work: leases it, keeps the lease while a thread works, and settles what went wrong."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import structlog

from shared.contracts.fate import ATTEMPTS, Verdict, decide
from shared.contracts.work import Failure, Work, failure_of
from shared.errors import AttemptsSpentError, NotYetError, PendingError, StateError, UnavailableError, UpwellError
from shared.ports import Store, Transaction

log = structlog.get_logger(__name__)
POLL_S = 0.3
WAIT_FOR_NAME_S = 1.0
RENEWALS_PER_LEASE = 3
# A cancelled run is noticed at the next renewal, however long the lease is.
LONGEST_PAUSE_S = 3.0


class Lease:
    """What the code that does the work can ask about its lease, from any thread."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self._stop = threading.Event()

    @property
    def must_stop(self) -> bool:
        """The lease was lost, the work was cancelled or the service is stopping: end soon, publish nothing."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ask the work to end."""
        self._stop.set()

    def wait(self, seconds: float) -> bool:
        """Sleep at most so long; True when the work has to end."""
        return self._stop.wait(seconds)


class Worker:
    """Runs recorded work in threads.

    Args:
        name: for the log.
        store: opens transactions that hold the work queue.
        execute: does one piece of work, synchronously, and completes it in a transaction of its own.
        on_failed: turns a piece of work that failed for good into the event that says so.
        failure_of: what a person is told of an error.
        slots: how many pieces at once.
        lease_s: a worker silent for so long has lost its work.
        patience_s: how long work waits for a name that is not known yet.
    """

    def __init__(
        self,
        *,
        name: str,
        store: Store[Transaction[Any]],
        execute: Callable[[Work, Lease], None],
        on_failed: Callable[[Work, Failure], object],
        failure_of: Callable[[Exception], Failure] = failure_of,
        slots: int = 1,
        lease_s: float = 15.0,
        patience_s: float = 30.0,
    ) -> None:
        self._name = name
        self._store = store
        self._execute = execute
        self._on_failed = on_failed
        self._failure_of = failure_of
        self._slots = slots
        self._lease_s = lease_s
        self._patience_s = patience_s
        self._stopping = asyncio.Event()
        self._leases: set[Lease] = set()

    async def run(self) -> None:
        """Work until stopped."""
        async with asyncio.TaskGroup() as slots:
            for _ in range(self._slots):
                slots.create_task(self._slot())

    def stop(self) -> None:
        """Claim nothing more; the work in hand goes on."""
        self._stopping.set()

    def interrupt(self) -> None:
        """Ask the work in hand to end now; what does not end well goes back to the queue."""
        for lease in set(self._leases):
            lease.stop()

    async def _slot(self) -> None:
        while not self._stopping.is_set():
            try:
                work = await self._claim()
                if work is not None:
                    await self._do(work)
                    continue
            except Exception:
                # A bug in settling must not end the slot: the lease lapses, and the work's attempts run out.
                log.exception("worker stumbled", worker=self._name)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), POLL_S)

    async def _claim(self) -> Work | None:
        try:
            return await asyncio.to_thread(self._claim_now)
        except UnavailableError as error:
            log.warning("worker waits", worker=self._name, error=str(error))
            await asyncio.sleep(1.0)
            return None

    def _claim_now(self) -> Work | None:
        with self._store.transaction() as tx:
            return tx.work.claim(lease_s=self._lease_s)

    async def _do(self, work: Work) -> None:
        lease = Lease(work)
        self._leases.add(lease)
        renewing = asyncio.create_task(self._renew(work, lease))
        log.info("work started", worker=self._name, work_id=work.id, attempt=work.attempt)
        try:
            await asyncio.to_thread(self._execute_unless_spent, work, lease)
            log.info("work ended", worker=self._name, work_id=work.id, attempt=work.attempt)
        except Exception as error:  # noqa: BLE001 - every error gets its fate here
            await self._settle(work, lease, error)
        finally:
            renewing.cancel()
            self._leases.discard(lease)

    def _execute_unless_spent(self, work: Work, lease: Lease) -> None:
        # Looked at before the work begins, so that work which takes its process along runs out too.
        if work.spent >= ATTEMPTS:
            raise AttemptsSpentError(f"{work.spent} attempts failed or were never heard of again")
        self._execute(work, lease)

    async def _renew(self, work: Work, lease: Lease) -> None:
        while True:
            await asyncio.sleep(min(self._lease_s / RENEWALS_PER_LEASE, LONGEST_PAUSE_S))
            try:
                await asyncio.to_thread(self._renew_now, work)
            except StateError:
                log.warning("lease lost", worker=self._name, work_id=work.id, attempt=work.attempt)
                lease.stop()
                return
            except UnavailableError as error:
                log.warning("lease not renewed", worker=self._name, work_id=work.id, error=str(error))

    def _renew_now(self, work: Work) -> None:
        with self._store.transaction() as tx:
            tx.work.renew(work.id, work.attempt, lease_s=self._lease_s)

    async def _settle(self, work: Work, lease: Lease, error: Exception) -> None:
        known = isinstance(error, UpwellError)
        log.warning(
            "work failed", worker=self._name, work_id=work.id, attempt=work.attempt,
            error=str(error) or repr(error), exc_info=None if known else error,
        )  # fmt: skip
        try:
            await asyncio.to_thread(self._settle_now, work, lease, error)
        except StateError:
            log.info("another attempt has the work", worker=self._name, work_id=work.id)
        except UnavailableError as unavailable:
            # The lease lapses and the work is claimed again: nothing is lost.
            log.warning("work not settled", worker=self._name, work_id=work.id, error=str(unavailable))

    def _settle_now(self, work: Work, lease: Lease, error: Exception) -> None:
        with self._store.transaction() as tx:
            if lease.must_stop:
                tx.work.release(work.id, work.attempt, delay_s=0, waiting_for="", spent=False, excused=False)
                return
            is_pending = isinstance(error, PendingError)
            if is_pending or (isinstance(error, NotYetError) and _waited_s(work) < self._patience_s):
                tx.work.wait(
                    work.id, work.attempt, delay_s=WAIT_FOR_NAME_S, waiting_for=str(error), is_patient=is_pending
                )
                return
            never_comes = isinstance(error, NotYetError)
            # What was spent before may have been forgiven since the work was claimed.
            current = tx.work.get(work.id)
            fate = decide(error, spent=current.spent + 1, excused=current.excused)
            if fate.verdict is Verdict.DEAD or never_comes:
                failure = self._failure_of(error)
                tx.work.fail(work.id, work.attempt, failure)
                tx.outbox.add(self._on_failed(work, failure))
                return
            excused = fate.verdict is Verdict.EXCUSE
            tx.work.release(
                work.id,
                work.attempt,
                delay_s=fate.delay_s,
                waiting_for=str(error),
                spent=not excused,
                excused=excused,
            )


def _waited_s(work: Work) -> float:
    return (datetime.now(UTC) - work.waiting_since).total_seconds() if work.waiting_since else 0.0

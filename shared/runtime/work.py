"""Recorded work in SQL: leases decide who does it, the attempt number decides who may finish it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, Column, ColumnElement, Index, and_, func, or_, select, update
from sqlmodel import Field, Session, SQLModel

from shared.contracts.canonical import digest_of
from shared.contracts.work import Failure, Work, WorkState
from shared.errors import ConflictError, NotFoundError, StateError
from shared.runtime.database import UtcDateTime, insert_or_ignore


class WorkRow(SQLModel, table=True):
    """A piece of work; `due_at` is when queued work may start, or when running work's lease lapses."""

    __tablename__ = "work"
    __table_args__ = (Index("ix_work_state_due", "state", "due_at"), Index("ix_work_created", "created_at"))
    id: str = Field(primary_key=True)
    request: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    request_digest: str
    state: str
    attempt: int = 0
    spent: int = 0
    excused: int = 0
    due_at: datetime = Field(sa_type=UtcDateTime)
    waiting_for: str = ""
    waiting_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    result: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    failure: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    created_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class SqlWork:
    """The `WorkQueue` port inside one transaction; `noun` is what its service calls a piece of work."""

    def __init__(self, session: Session, *, noun: str = "job") -> None:
        self._session = session
        self._noun = noun

    def record(self, work_id: str, request: Mapping[str, Any]) -> bool:
        """Record a request; see the port."""
        digest = digest_of(request)
        now = datetime.now(UTC)
        row = {
            "id": work_id,
            "request": dict(request),
            "request_digest": digest,
            "state": WorkState.QUEUED,
            "due_at": now,
            "result": {},
            "failure": {},
            "created_at": now,
        }
        # Two replicas may record the same request at the same time: one is the first, the other finds it standing.
        if insert_or_ignore(self._session, WorkRow, [row]):
            return True
        if self._session.get_one(WorkRow, work_id, populate_existing=True).request_digest != digest:
            raise ConflictError(f"{work_id} is already used by another request: choose another id")
        return False

    def claim(self, *, lease_s: float) -> Work | None:
        """Lease the oldest work that is due; see the port."""
        now = datetime.now(UTC)
        row = self._session.execute(
            select(WorkRow)
            .where(
                or_(
                    WorkRow.state == WorkState.QUEUED,  # type: ignore[arg-type]
                    WorkRow.state == WorkState.RUNNING,  # type: ignore[arg-type]
                ),
                WorkRow.due_at <= now,  # type: ignore[arg-type]
            )
            .order_by(WorkRow.due_at, WorkRow.created_at)  # type: ignore[arg-type]
            .limit(1)
            .with_for_update(skip_locked=True)
        ).scalar_one_or_none()
        if row is None:
            return None
        if row.state == WorkState.RUNNING:
            row.spent += 1  # its lease lapsed: what kills its process runs out like any other failure
        row.state = WorkState.RUNNING
        row.attempt += 1
        row.waiting_for = ""
        row.due_at = now + timedelta(seconds=lease_s)
        self._session.flush()
        return _work(row)

    def renew(self, work_id: str, attempt: int, *, lease_s: float) -> None:
        """Keep the lease; see the port."""
        self._update_held(work_id, attempt, due_at=datetime.now(UTC) + timedelta(seconds=lease_s))

    def complete(self, work_id: str, attempt: int, result: Mapping[str, Any]) -> None:
        """Finish the work; see the port."""
        self._update_held(
            work_id, attempt, state=WorkState.COMPLETED, result=dict(result), finished_at=datetime.now(UTC)
        )

    def release(
        self, work_id: str, attempt: int, *, delay_s: float, waiting_for: str, spent: bool, excused: bool
    ) -> None:
        """Put the work back; see the port."""
        self._update_held(
            work_id,
            attempt,
            state=WorkState.QUEUED,
            waiting_for=waiting_for,
            due_at=datetime.now(UTC) + timedelta(seconds=delay_s),
            spent=WorkRow.spent + int(spent),
            excused=WorkRow.excused + int(excused),
        )

    def wait(self, work_id: str, attempt: int, *, delay_s: float, waiting_for: str, is_patient: bool = False) -> None:
        """Put back work that waits for a name; see the port."""
        now = datetime.now(UTC)
        self._update_held(
            work_id,
            attempt,
            state=WorkState.QUEUED,
            attempt_=attempt - 1,
            waiting_for=waiting_for,
            waiting_since=None if is_patient else func.coalesce(WorkRow.waiting_since, now),
            due_at=now + timedelta(seconds=delay_s),
        )

    def fail(self, work_id: str, attempt: int, failure: Failure) -> None:
        """Finish the work with its failure; see the port."""
        self._update_held(
            work_id, attempt, state=WorkState.FAILED, failure=asdict(failure), finished_at=datetime.now(UTC)
        )

    def hold(self, work_id: str, attempt: int) -> None:
        """Lock the row; see the port."""
        newest = and_(
            WorkRow.id == work_id,  # type: ignore[arg-type]
            WorkRow.attempt == attempt,  # type: ignore[arg-type]
            or_(
                WorkRow.state == WorkState.RUNNING,  # type: ignore[arg-type]
                WorkRow.state == WorkState.CANCELLED,  # type: ignore[arg-type]
            ),
        )
        if not self._update(newest, attempt=attempt):
            raise StateError(f"Attempt {attempt} of {work_id} is not its newest one, or has ended")

    def forgive(self, work_id: str, attempt: int) -> None:
        """Forget what was spent; see the port."""
        self._update_held(work_id, attempt, spent=0, excused=0)

    def reopen(self, work_id: str) -> None:
        """Queue ended work again; see the port."""
        ended = and_(
            WorkRow.id == work_id,  # type: ignore[arg-type]
            or_(
                WorkRow.state == WorkState.FAILED,  # type: ignore[arg-type]
                WorkRow.state == WorkState.CANCELLED,  # type: ignore[arg-type]
            ),
        )
        again = {"spent": 0, "excused": 0, "failure": {}, "finished_at": None, "waiting_for": "", "waiting_since": None}
        if not self._update(ended, state=WorkState.QUEUED, due_at=datetime.now(UTC), **again):
            raise StateError(f"{work_id} cannot go on: it is {self.get(work_id).state}")

    def line(self, *, limit: int) -> Sequence[str]:
        """Queued work in the order of `claim`; see the port."""
        query = (
            select(WorkRow.id)  # type: ignore[call-overload]
            .where(WorkRow.state == WorkState.QUEUED, WorkRow.waiting_for == "")
            .order_by(WorkRow.due_at, WorkRow.created_at)
            .limit(limit)
        )
        return list(self._session.execute(query).scalars())

    def cancel(self, work_id: str) -> None:
        """Cancel the work; see the port."""
        open_work = and_(
            WorkRow.id == work_id,  # type: ignore[arg-type]
            or_(
                WorkRow.state == WorkState.QUEUED,  # type: ignore[arg-type]
                WorkRow.state == WorkState.RUNNING,  # type: ignore[arg-type]
            ),
        )
        if not self._update(open_work, state=WorkState.CANCELLED, finished_at=datetime.now(UTC)):
            raise StateError(f"{work_id} has ended already: it is {self.get(work_id).state}")

    def get(self, work_id: str) -> Work:
        """One piece of work; see the port."""
        row = self._session.get(WorkRow, work_id, populate_existing=True)
        if row is None:
            raise NotFoundError(f"There is no {self._noun} {work_id!r}")
        return _work(row)

    def list(self, *, limit: int, state: WorkState | None = None) -> Sequence[Work]:
        """Work, newest first; see the port."""
        query = select(WorkRow).order_by(WorkRow.created_at.desc()).limit(limit)  # type: ignore[attr-defined]
        if state is not None:
            query = query.where(WorkRow.state == state)  # type: ignore[arg-type]
        return [_work(row) for row in self._session.execute(query).scalars()]

    def _update_held(self, work_id: str, attempt: int, *, attempt_: int | None = None, **values: Any) -> None:
        if attempt_ is not None:
            values["attempt"] = attempt_
        held = and_(
            WorkRow.id == work_id,  # type: ignore[arg-type]
            WorkRow.attempt == attempt,  # type: ignore[arg-type]
            WorkRow.state == WorkState.RUNNING,  # type: ignore[arg-type]
        )
        if not self._update(held, **values):
            raise StateError(f"Attempt {attempt} of {work_id} no longer holds its lease")

    def _update(self, which: ColumnElement[bool], **values: Any) -> bool:
        changed = self._session.execute(
            update(WorkRow).where(which).values(**values).execution_options(synchronize_session=False)
        )
        return bool(changed.rowcount == 1)  # type: ignore[attr-defined]


def _work(row: WorkRow) -> Work:
    failure = Failure(**{**row.failure, "evidence": tuple(row.failure["evidence"])}) if row.failure else None
    return Work(
        id=row.id,
        request=row.request,
        state=WorkState(row.state),
        attempt=row.attempt,
        spent=row.spent,
        excused=row.excused,
        created_at=row.created_at,
        waiting_for=row.waiting_for,
        waiting_since=row.waiting_since,
        finished_at=row.finished_at,
        result=row.result,
        failure=failure,
    )

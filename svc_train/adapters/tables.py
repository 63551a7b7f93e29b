"""The service's tables beside work and outbox: rows, and nothing but rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index
from sqlmodel import Field, SQLModel

from shared.runtime.database import UtcDateTime


class RunRow(SQLModel, table=True):
    """What is known of a run beside its recorded work.

    The dataset's columns are empty until it is resolved, `parent` until the version to go on from is, `retried_with`
    until hyperparameters were changed for another try, `last_failure` until an attempt went wrong. `parent_run` is the
    run asked for as parent, empty for none; `wall_s` is the time that its training processes took, in seconds.
    """

    __tablename__ = "runs"
    run_id: str = Field(primary_key=True)
    model: str = Field(index=True)
    dataset_name: str = ""
    dataset_version: int = 0
    dataset_digest: str = ""
    dataset_kind: str = ""
    parent_run: str = Field(default="", index=True)
    parent: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    wall_s: float = 0.0
    retried_with: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    last_failure: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


class CheckpointRow(SQLModel, table=True):
    """A checkpoint that is whole in the object store; without a monitor its three columns say nothing."""

    __tablename__ = "checkpoints"
    run_id: str = Field(primary_key=True)
    attempt: int = Field(primary_key=True)
    step: int = Field(primary_key=True, sa_type=BigInteger)
    digest: str
    size_bytes: int = Field(sa_type=BigInteger)
    saved_at: datetime = Field(sa_type=UtcDateTime)
    monitor_name: str = ""
    monitor_value: float = 0.0
    larger_is_better: bool = True


class JournalRow(SQLModel, table=True):
    """An entry of the journal: a log line, or, where that is None, a report of progress.

    `loss` is None when it was not finite, for not every database holds such numbers.
    """

    __tablename__ = "run_journal"
    __table_args__ = (Index("ix_run_journal_run", "run_id", "id"),)
    id: int | None = Field(default=None, primary_key=True)
    run_id: str
    attempt: int
    log_line: str | None
    step: int = Field(sa_type=BigInteger)
    total_steps: int = Field(sa_type=BigInteger)
    loss: float | None
    learning_rate: float
    tokens_per_s: float
    eta_s: float
    metrics: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class MetricRow(SQLModel, table=True):
    """One number of a run; `attempt` is the last one that made it."""

    __tablename__ = "run_metrics"
    run_id: str = Field(primary_key=True)
    step: int = Field(sa_type=BigInteger, primary_key=True)
    name: str = Field(primary_key=True)
    value: float
    attempt: int
    recorded_at: datetime = Field(sa_type=UtcDateTime)


class StoredBaseRow(SQLModel, table=True):
    """A base that was stored, and the fingerprint of what it was stored from."""

    __tablename__ = "stored_bases"
    name: str = Field(primary_key=True)
    fingerprint: str = Field(primary_key=True)
    digest: str

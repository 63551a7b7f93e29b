"""The service's tables beside work and outbox: rows, and nothing but rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index
from sqlmodel import Field, SQLModel

from shared.runtime.database import UtcDateTime


class RunRow(SQLModel, table=True):
    """What is known of a run beside its recorded work; the dataset's columns are empty until it is resolved.

    `parent_run` is the run asked for as parent, empty for none; `parent` is the resolved version, empty until then;
    `wall_s` is the time its training processes took, in seconds.
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


class StoredBaseRow(SQLModel, table=True):
    """A base that was stored, and the fingerprint of what it was stored from."""

    __tablename__ = "stored_bases"
    name: str = Field(primary_key=True)
    fingerprint: str = Field(primary_key=True)
    digest: str

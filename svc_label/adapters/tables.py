"""The service's tables: rows, and nothing but rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from shared.runtime.database import UtcDateTime


class SeriesRow(SQLModel, table=True):
    """A series that candidates speak of."""

    __tablename__ = "series"
    __table_args__ = (UniqueConstraint("name", "digest"),)
    id: int | None = Field(default=None, primary_key=True)
    name: str
    digest: str
    version: int
    rows: int = Field(sa_type=BigInteger)
    channels: list[str] = Field(sa_column=Column(JSON, nullable=False))
    time: str


class CandidateRow(SQLModel, table=True):
    """A candidate; `decision` and `review_id` are those of the review that stands, empty without one."""

    __tablename__ = "candidates"
    __table_args__ = (Index("ix_candidates_queue", "series_id", "confidence", "id", "decision", "labeler"),)
    id: str = Field(primary_key=True)
    series_id: int = Field(foreign_key="series.id")
    labeler: str
    start_row: int = Field(sa_type=BigInteger)
    end_row: int = Field(sa_type=BigInteger)
    start_time: int = Field(sa_type=BigInteger)
    end_time: int = Field(sa_type=BigInteger)
    channel: str
    label: str
    confidence: float
    origin: str
    decision: str = ""
    review_id: str = ""


class BatchRow(SQLModel, table=True):
    """A batch of decisions: its id is taken once."""

    __tablename__ = "batches"
    id: str = Field(primary_key=True)
    reviewer: str
    request_digest: str
    decided_at: datetime = Field(sa_type=UtcDateTime)
    approved_count: int
    rejected_count: int
    corrected_count: int


class ReviewRow(SQLModel, table=True):
    """A decision: rows are added, never changed."""

    __tablename__ = "reviews"
    id: str = Field(primary_key=True)
    batch_id: str = Field(foreign_key="batches.id", index=True)
    candidate_id: str = Field(foreign_key="candidates.id", index=True)
    decision: str
    reviewer: str
    decided_at: datetime = Field(sa_type=UtcDateTime)
    reason: str
    corrected: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    in_bulk: bool
    pick: str
    seed: int = Field(sa_type=BigInteger)


class DrawRow(SQLModel, table=True):
    """A candidate that chance showed to a reviewer."""

    __tablename__ = "draws"
    drawn_by: str = Field(primary_key=True)
    candidate_id: str = Field(primary_key=True)
    seed: int = Field(sa_type=BigInteger)

"""The catalogue's tables: rows, and nothing but rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from shared.runtime.database import UtcDateTime


class DatasetNameRow(SQLModel, table=True):
    """A dataset's name: what it is used for, and the number given last."""

    __tablename__ = "dataset_names"
    name: str = Field(primary_key=True)
    kind: str
    last_version: int


class DatasetRow(SQLModel, table=True):
    """A dataset version."""

    __tablename__ = "datasets"
    __table_args__ = (UniqueConstraint("name", "version"), UniqueConstraint("name", "digest"))
    id: int | None = Field(default=None, primary_key=True)
    name: str
    version: int
    kind: str
    digest: str
    meta: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    size_bytes: int = Field(sa_type=BigInteger)
    producer: str
    registered_at: datetime = Field(sa_type=UtcDateTime)


class BaseRow(SQLModel, table=True):
    """A base."""

    __tablename__ = "bases"
    digest: str = Field(primary_key=True)
    name: str = Field(index=True)
    meta: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    size_bytes: int = Field(sa_type=BigInteger)
    registered_at: datetime = Field(sa_type=UtcDateTime)


class ModelNameRow(SQLModel, table=True):
    """A model's name and the number given last."""

    __tablename__ = "model_names"
    name: str = Field(primary_key=True)
    last_version: int


class ModelRow(SQLModel, table=True):
    """A model version."""

    __tablename__ = "models"
    __table_args__ = (UniqueConstraint("name", "version"),)
    id: int | None = Field(default=None, primary_key=True)
    name: str
    version: int
    run_id: str = Field(unique=True)
    recipe: str
    bundle_digest: str
    base_name: str
    base_digest: str
    dataset_name: str
    dataset_version: int
    dataset_digest: str
    metrics: dict[str, float] = Field(sa_column=Column(JSON, nullable=False))
    hyperparameters: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    registered_at: datetime = Field(sa_type=UtcDateTime)
    stage: str
    # All three are empty for a version that started from its base.
    parent_name: str
    parent_version: int
    parent_run_id: str = Field(index=True)
    total_steps: int = Field(sa_type=BigInteger)
    epochs: float
    tokens: int = Field(sa_type=BigInteger)
    started_at: datetime | None = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = Field(sa_type=UtcDateTime)
    environment: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))


class AliasRow(SQLModel, table=True):
    """Where an alias stands: the ledger's entry that put it there."""

    __tablename__ = "aliases"
    model: str = Field(primary_key=True)
    alias: str = Field(primary_key=True)
    ledger_id: int
    version: int


class AliasMoveRow(SQLModel, table=True):
    """The ledger: rows are added, never changed."""

    __tablename__ = "alias_moves"
    id: int | None = Field(default=None, primary_key=True)
    model: str = Field(index=True)
    alias: str
    from_version: int
    to_version: int
    moved_by: str
    reason: str
    moved_at: datetime = Field(sa_type=UtcDateTime)
    kind: str
    failed: list[str] = Field(sa_column=Column(JSON, nullable=False))


class GateRow(SQLModel, table=True):
    """The gate before an alias."""

    __tablename__ = "gates"
    model: str = Field(primary_key=True)
    alias: str = Field(primary_key=True)
    conditions: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    set_by: str
    set_at: datetime = Field(sa_type=UtcDateTime)


class TombstoneRow(SQLModel, table=True):
    """A deleted version, by the key of its lineage node."""

    __tablename__ = "tombstones"
    key: str = Field(primary_key=True)
    deleted_by: str
    reason: str
    deleted_at: datetime = Field(sa_type=UtcDateTime)


class SignatureRow(SQLModel, table=True):
    """A signature of a bundle; a key signs a bundle once."""

    __tablename__ = "signatures"
    bundle_digest: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    value: str
    signed_by: str
    signed_at: datetime = Field(sa_type=UtcDateTime)


class DeliveryRow(SQLModel, table=True):
    """An event that waits to be delivered to a webhook."""

    __tablename__ = "webhook_deliveries"
    id: int | None = Field(default=None, primary_key=True)
    url: str
    event_id: str
    body: bytes
    attempts: int
    due_at: datetime = Field(sa_type=UtcDateTime)
    __table_args__ = (Index("ix_webhook_deliveries_url_due", "url", "due_at"),)


class NodeRow(SQLModel, table=True):
    """A lineage node."""

    __tablename__ = "lineage_nodes"
    key: str = Field(primary_key=True)
    type: str
    label: str
    seen: bool
    # Only of what has no record of its own: predictions.
    made_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class EdgeRow(SQLModel, table=True):
    """A lineage edge, indexed both ways."""

    __tablename__ = "lineage_edges"
    child: str = Field(primary_key=True)
    parent: str = Field(primary_key=True, index=True)


class ReviewSetRow(SQLModel, table=True):
    """A review set: whether it is indexed, and if not, why."""

    __tablename__ = "review_sets"
    key: str = Field(primary_key=True)
    indexed: bool
    reason: str


class ReviewSetReviewerRow(SQLModel, table=True):
    """A reviewer of an indexed set, and how many of its candidates they approved."""

    __tablename__ = "review_set_reviewers"
    key: str = Field(primary_key=True)
    reviewer: str = Field(primary_key=True, index=True)
    approved: int


class ReviewSetCandidateRow(SQLModel, table=True):
    """An approved candidate of an indexed set."""

    __tablename__ = "review_set_candidates"
    key: str = Field(primary_key=True)
    candidate_id: str = Field(primary_key=True, index=True)


class ImportedVersionRow(SQLModel, table=True):
    """What is kept of a version that was imported; `entry` is JSON text, whose order and numbers stay as written."""

    __tablename__ = "imported_versions"
    run_id: str = Field(primary_key=True)
    base_model: str
    entry: str = Field(sa_type=Text)
    checkpoint: str
    checkpoint_digest: str


class HistoryFileRow(SQLModel, table=True):
    """An imported `training_info.json`; `document` is JSON text."""

    __tablename__ = "history_files"
    path: str = Field(primary_key=True)
    run_id: str = Field(index=True)
    document: str = Field(sa_type=Text)
    imported_by: str
    imported_at: datetime = Field(sa_type=UtcDateTime)

"""The catalogue's first tables.

Revision ID: registry_0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.runtime.database import UtcDateTime
from shared.runtime.migrations import create_outbox_table

revision = "registry_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_outbox_table()
    op.create_table(
        "dataset_names",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("last_version", sa.Integer, nullable=False),
    )
    op.create_table(
        "datasets",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("meta", sa.JSON, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("producer", sa.String, nullable=False),
        sa.Column("registered_at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("name", "version"),
        sa.UniqueConstraint("name", "digest"),
    )
    op.create_table(
        "bases",
        sa.Column("digest", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False, index=True),
        sa.Column("meta", sa.JSON, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("registered_at", UtcDateTime, nullable=False),
    )
    _create_model_tables()
    op.create_table(
        "lineage_nodes",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("type", sa.String, nullable=False),
        sa.Column("label", sa.String, nullable=False),
        sa.Column("seen", sa.Boolean, nullable=False),
    )
    op.create_table(
        "lineage_edges",
        sa.Column("child", sa.String, primary_key=True),
        sa.Column("parent", sa.String, primary_key=True, index=True),
    )


def _create_model_tables() -> None:
    op.create_table(
        "model_names",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("last_version", sa.Integer, nullable=False),
    )
    op.create_table(
        "models",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("run_id", sa.String, nullable=False, unique=True),
        sa.Column("recipe", sa.String, nullable=False),
        sa.Column("bundle_digest", sa.String, nullable=False),
        sa.Column("base_name", sa.String, nullable=False),
        sa.Column("base_digest", sa.String, nullable=False),
        sa.Column("dataset_name", sa.String, nullable=False),
        sa.Column("dataset_version", sa.Integer, nullable=False),
        sa.Column("dataset_digest", sa.String, nullable=False),
        sa.Column("metrics", sa.JSON, nullable=False),
        sa.Column("hyperparameters", sa.JSON, nullable=False),
        sa.Column("registered_at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("name", "version"),
    )
    op.create_table(
        "aliases",
        sa.Column("model", sa.String, primary_key=True),
        sa.Column("alias", sa.String, primary_key=True),
        sa.Column("ledger_id", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_table(
        "alias_moves",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("model", sa.String, nullable=False, index=True),
        sa.Column("alias", sa.String, nullable=False),
        sa.Column("from_version", sa.Integer, nullable=False),
        sa.Column("to_version", sa.Integer, nullable=False),
        sa.Column("moved_by", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("moved_at", UtcDateTime, nullable=False),
    )


def downgrade() -> None:
    for table in (
        "lineage_edges", "lineage_nodes", "alias_moves", "aliases", "models", "model_names", "bases", "datasets",
        "dataset_names", "outbox",
    ):  # fmt: skip
        op.drop_table(table)

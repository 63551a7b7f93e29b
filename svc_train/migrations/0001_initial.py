"""The first tables of svc_train.

Revision ID: train_0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.runtime.migrations import create_outbox_table, create_work_table

revision = "train_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_outbox_table()
    create_work_table()
    op.create_table(
        "runs",
        sa.Column("run_id", sa.String, primary_key=True),
        sa.Column("model", sa.String, nullable=False, index=True),
        sa.Column("dataset_name", sa.String, nullable=False),
        sa.Column("dataset_version", sa.Integer, nullable=False),
        sa.Column("dataset_digest", sa.String, nullable=False),
        sa.Column("dataset_kind", sa.String, nullable=False),
    )
    op.create_table(
        "run_journal",
        # SQLite counts up by itself only in a column that is called INTEGER.
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("run_id", sa.String, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("log_line", sa.String, nullable=True),
        sa.Column("step", sa.BigInteger, nullable=False),
        sa.Column("total_steps", sa.BigInteger, nullable=False),
        sa.Column("loss", sa.Float, nullable=True),
        sa.Column("learning_rate", sa.Float, nullable=False),
        sa.Column("tokens_per_s", sa.Float, nullable=False),
        sa.Column("eta_s", sa.Float, nullable=False),
        sa.Column("metrics", sa.JSON, nullable=False),
    )
    op.create_index("ix_run_journal_run", "run_journal", ["run_id", "id"])
    op.create_table(
        "stored_bases",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("fingerprint", sa.String, primary_key=True),
        sa.Column("digest", sa.String, nullable=False),
    )


def downgrade() -> None:
    for table in ("stored_bases", "run_journal", "runs", "work", "outbox"):
        op.drop_table(table)

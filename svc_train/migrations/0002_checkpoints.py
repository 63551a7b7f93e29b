"""Checkpoints of runs, the parents that runs go on from, and the time their processes took.

Revision ID: train_0002
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from shared.runtime.database import UtcDateTime

revision = "train_0002"
down_revision = "train_0001"
branch_labels = None
depends_on = None


def columns() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("parent_run", sa.String, nullable=False, server_default=""),
        sa.Column("parent", sa.JSON, nullable=False, server_default="{}"),
        sa.Column("wall_s", sa.Float, nullable=False, server_default="0"),
    )


def upgrade() -> None:
    op.create_table(
        "checkpoints",
        sa.Column("run_id", sa.String, primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True),
        sa.Column("step", sa.BigInteger, primary_key=True),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("saved_at", UtcDateTime, nullable=False),
        sa.Column("monitor_name", sa.String, nullable=False),
        sa.Column("monitor_value", sa.Float, nullable=False),
        sa.Column("larger_is_better", sa.Boolean, nullable=False),
    )
    for column in columns():
        op.add_column("runs", column)
    op.create_index("ix_runs_parent_run", "runs", ["parent_run"])


def downgrade() -> None:
    op.drop_index("ix_runs_parent_run", "runs")
    for column in columns():
        op.drop_column("runs", column.name)
    op.drop_table("checkpoints")

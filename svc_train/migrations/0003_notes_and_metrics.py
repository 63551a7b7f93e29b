"""What attempts leave to those after them, and the numbers of every step.

Revision ID: train_0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.runtime.database import UtcDateTime

revision = "train_0003"
down_revision = "train_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in ("retried_with", "last_failure"):
        # The default is for the rows that stand already.
        op.add_column("runs", sa.Column(column, sa.JSON, nullable=False, server_default="{}"))
    op.create_table(
        "run_metrics",
        sa.Column("run_id", sa.String, primary_key=True),
        sa.Column("step", sa.BigInteger, primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("value", sa.Float, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("recorded_at", UtcDateTime, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("run_metrics")
    for column in ("last_failure", "retried_with"):
        op.drop_column("runs", column)

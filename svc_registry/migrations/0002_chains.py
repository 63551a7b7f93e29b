"""Where a model version stands in a chain, and what its run took.

Revision ID: registry_0002
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from shared.runtime.database import UtcDateTime

revision = "registry_0002"
down_revision = "registry_0001"
branch_labels = None
depends_on = None


def columns() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("stage", sa.String, nullable=False, server_default=""),
        sa.Column("parent_name", sa.String, nullable=False, server_default=""),
        sa.Column("parent_version", sa.Integer, nullable=False, server_default="0"),
        sa.Column("parent_run_id", sa.String, nullable=False, server_default=""),
        sa.Column("total_steps", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("epochs", sa.Float, nullable=False, server_default="0"),
        sa.Column("tokens", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("started_at", UtcDateTime, nullable=True),
        sa.Column("finished_at", UtcDateTime, nullable=True),
        sa.Column("environment", sa.JSON, nullable=False, server_default="{}"),
    )


def upgrade() -> None:
    for column in columns():
        op.add_column("models", column)
    op.create_index("ix_models_parent_run_id", "models", ["parent_run_id"])


def downgrade() -> None:
    op.drop_index("ix_models_parent_run_id", "models")
    for column in columns():
        op.drop_column("models", column.name)

"""What is kept of imported training histories, so that they are exported as they came.

Revision ID: registry_0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.runtime.database import UtcDateTime

revision = "registry_0003"
down_revision = "registry_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "imported_versions",
        sa.Column("run_id", sa.String, primary_key=True),
        sa.Column("base_model", sa.String, nullable=False),
        sa.Column("entry", sa.Text, nullable=False),
        sa.Column("checkpoint", sa.String, nullable=False),
        sa.Column("checkpoint_digest", sa.String, nullable=False),
    )
    op.create_table(
        "history_files",
        sa.Column("path", sa.String, primary_key=True),
        sa.Column("run_id", sa.String, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("imported_by", sa.String, nullable=False),
        sa.Column("imported_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_history_files_run_id", "history_files", ["run_id"])


def downgrade() -> None:
    op.drop_table("history_files")
    op.drop_table("imported_versions")

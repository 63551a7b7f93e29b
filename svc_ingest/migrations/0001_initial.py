"""The first tables: jobs are recorded work, and events wait in the outbox.

Revision ID: ingest_0001
"""

from __future__ import annotations

from alembic import op

from shared.runtime.migrations import create_outbox_table, create_work_table

revision = "ingest_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_outbox_table()
    create_work_table()


def downgrade() -> None:
    op.drop_table("work")
    op.drop_table("outbox")

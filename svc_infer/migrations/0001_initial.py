"""The first tables: prediction jobs as recorded work, and the outbox.

Revision ID: infer_0001
"""

from __future__ import annotations

from alembic import op

from shared.runtime.migrations import create_outbox_table, create_work_table

revision = "infer_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_outbox_table()
    create_work_table()


def downgrade() -> None:
    for table in ("work", "outbox"):
        op.drop_table(table)

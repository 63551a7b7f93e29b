"""Gates, kinds of ledger entries, deletions, signatures, and webhooks to deliver.

Revision ID: registry_0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.runtime.database import UtcDateTime

revision = "registry_0005"
down_revision = "registry_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alias_moves", sa.Column("kind", sa.String, nullable=False, server_default="moved"))
    op.add_column("alias_moves", sa.Column("failed", sa.JSON, nullable=False, server_default="[]"))
    op.create_table(
        "gates",
        sa.Column("model", sa.String, primary_key=True),
        sa.Column("alias", sa.String, primary_key=True),
        sa.Column("conditions", sa.JSON, nullable=False),
        sa.Column("set_by", sa.String, nullable=False),
        sa.Column("set_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "tombstones",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("deleted_by", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("deleted_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "signatures",
        sa.Column("bundle_digest", sa.String, primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("value", sa.String, nullable=False),
        sa.Column("signed_by", sa.String, nullable=False),
        sa.Column("signed_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("url", sa.String, nullable=False),
        sa.Column("event_id", sa.String, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_webhook_deliveries_url_due", "webhook_deliveries", ["url", "due_at"])


def downgrade() -> None:
    for table in ("webhook_deliveries", "signatures", "tombstones", "gates"):
        op.drop_table(table)
    for column in ("failed", "kind"):
        op.drop_column("alias_moves", column)

"""Who approved which candidate, by review set; and when a prediction was made.

Sets of datasets that were registered before are read from the object store once the service runs.

Revision ID: registry_0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.runtime.database import UtcDateTime

revision = "registry_0004"
down_revision = "registry_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("lineage_nodes", sa.Column("made_at", UtcDateTime, nullable=True))
    op.create_table(
        "review_sets",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("indexed", sa.Boolean, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
    )
    op.create_table(
        "review_set_reviewers",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("reviewer", sa.String, primary_key=True, index=True),
        sa.Column("approved", sa.Integer, nullable=False),
    )
    op.create_table(
        "review_set_candidates",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("candidate_id", sa.String, primary_key=True, index=True),
    )


def downgrade() -> None:
    for table in ("review_set_candidates", "review_set_reviewers", "review_sets"):
        op.drop_table(table)
    op.drop_column("lineage_nodes", "made_at")

"""The first tables: series, candidates, reviews and the random arm; jobs and outbox as everywhere.

Revision ID: label_0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.runtime.database import UtcDateTime
from shared.runtime.migrations import create_outbox_table, create_work_table

revision = "label_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_outbox_table()
    create_work_table()
    op.create_table(
        "series",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("channels", sa.JSON, nullable=False),
        sa.Column("time", sa.String, nullable=False),
        sa.UniqueConstraint("name", "digest"),
    )
    _create_candidates()
    _create_reviews()
    op.create_table(
        "draws",
        sa.Column("drawn_by", sa.String, primary_key=True),
        sa.Column("candidate_id", sa.String, primary_key=True),
        sa.Column("seed", sa.BigInteger, nullable=False),
    )


def _create_candidates() -> None:
    op.create_table(
        "candidates",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("series_id", sa.Integer, sa.ForeignKey("series.id"), nullable=False),
        sa.Column("labeler", sa.String, nullable=False),
        sa.Column("start_row", sa.BigInteger, nullable=False),
        sa.Column("end_row", sa.BigInteger, nullable=False),
        sa.Column("start_time", sa.BigInteger, nullable=False),
        sa.Column("end_time", sa.BigInteger, nullable=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("label", sa.String, nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("origin", sa.String, nullable=False),
        sa.Column("decision", sa.String, nullable=False),
        sa.Column("review_id", sa.String, nullable=False),
    )
    # The queue's questions are answered from the index alone: which match, how many, in what order.
    op.create_index("ix_candidates_queue", "candidates", ["series_id", "confidence", "id", "decision", "labeler"])


def _create_reviews() -> None:
    op.create_table(
        "batches",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("reviewer", sa.String, nullable=False),
        sa.Column("request_digest", sa.String, nullable=False),
        sa.Column("decided_at", UtcDateTime, nullable=False),
        sa.Column("approved_count", sa.Integer, nullable=False),
        sa.Column("rejected_count", sa.Integer, nullable=False),
        sa.Column("corrected_count", sa.Integer, nullable=False),
    )
    op.create_table(
        "reviews",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("batch_id", sa.String, sa.ForeignKey("batches.id"), nullable=False, index=True),
        sa.Column("candidate_id", sa.String, sa.ForeignKey("candidates.id"), nullable=False, index=True),
        sa.Column("decision", sa.String, nullable=False),
        sa.Column("reviewer", sa.String, nullable=False),
        sa.Column("decided_at", UtcDateTime, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("corrected", sa.JSON, nullable=False),
        sa.Column("in_bulk", sa.Boolean, nullable=False),
        sa.Column("pick", sa.String, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    for table in ("draws", "reviews", "batches", "candidates", "series", "work", "outbox"):
        op.drop_table(table)

"""Progress of review in SQL: one query, whatever the number of candidates."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from svc_label.adapters.filters import conditions
from svc_label.adapters.tables import CandidateRow, ReviewRow, SeriesRow
from svc_label.domain.progress import Progress
from svc_label.domain.queue import CandidateFilter
from svc_label.domain.reviews import Decision


def count_progress(session: Session, wanted: CandidateFilter) -> list[Progress]:
    """One row a dataset version, labeler and reviewer; a candidate without a decision has no reviewer."""
    key: list[Any] = [SeriesRow.name, SeriesRow.digest, CandidateRow.labeler, ReviewRow.reviewer]
    counts = [
        func.count().filter(col(CandidateRow.decision) == (decision or "")).label(f"{decision or 'undecided'}_count")
        for decision in (None, *Decision)
    ]
    query = (
        select(*key, *counts)
        .join(SeriesRow, col(SeriesRow.id) == CandidateRow.series_id)
        .outerjoin(ReviewRow, col(ReviewRow.id) == CandidateRow.review_id)
        .where(*conditions(session, wanted))
        .group_by(*key)
    )
    rows = [
        Progress(
            dataset_name=row.name,
            dataset_digest=row.digest,
            labeler=row.labeler,
            reviewer=row.reviewer or "",
            undecided_count=row.undecided_count,
            approved_count=row.approved_count,
            rejected_count=row.rejected_count,
            corrected_count=row.corrected_count,
        )
        for row in session.connection().execute(query)
    ]
    # Sorted here, for databases differ in how they order text.
    return sorted(rows, key=lambda row: (row.dataset_name, row.dataset_digest, row.labeler, row.reviewer))

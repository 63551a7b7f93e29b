"""A filter of the queue as SQL conditions."""

from __future__ import annotations

from sqlalchemy import ColumnElement, false
from sqlmodel import Session, col, select

from svc_label.adapters.tables import CandidateRow, SeriesRow
from svc_label.domain.queue import CandidateFilter


def conditions(session: Session, wanted: CandidateFilter) -> list[ColumnElement[bool]]:
    """What has to hold of a row of `candidates`; nothing narrows where the filter does not."""
    found: list[ColumnElement[bool]] = []
    if wanted.dataset_name or wanted.dataset_digest:
        found.append(_of_series(session, wanted))
    if wanted.labeler:
        found.append(col(CandidateRow.labeler) == wanted.labeler)
    if wanted.min_confidence > 0.0:
        found.append(col(CandidateRow.confidence) >= wanted.min_confidence)
    if wanted.max_confidence < 1.0:
        found.append(col(CandidateRow.confidence) <= wanted.max_confidence)
    if wanted.decision is not None or wanted.undecided_only:
        found.append(col(CandidateRow.decision) == (wanted.decision or ""))
    return found


def _of_series(session: Session, wanted: CandidateFilter) -> ColumnElement[bool]:
    # The ids are looked up first: the index of the queue begins with one, and a join would not use its order.
    query = select(SeriesRow.id)
    if wanted.dataset_name:
        query = query.where(SeriesRow.name == wanted.dataset_name)
    if wanted.dataset_digest:
        query = query.where(SeriesRow.digest == wanted.dataset_digest)
    ids = session.exec(query).all()
    if len(ids) == 1:
        return col(CandidateRow.series_id) == ids[0]
    return col(CandidateRow.series_id).in_(ids) if ids else false()

"""Reviews and the random arm in SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import insert
from sqlmodel import Session, col, delete, select, update

from shared.runtime.database import insert_or_ignore
from svc_label.adapters.chunks import chunks
from svc_label.adapters.filters import conditions
from svc_label.adapters.rows import batch_of, review_of, review_values
from svc_label.adapters.tables import BatchRow, CandidateRow, DrawRow, ReviewRow
from svc_label.domain.batches import DecidedBatch
from svc_label.domain.queue import CandidateFilter
from svc_label.domain.reviews import POLICY, Review


class SqlReviews:
    """The `Reviews` port."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find_batch(self, batch_id: str) -> DecidedBatch | None:
        """By id; see the port."""
        row = self._session.get(BatchRow, batch_id)
        return batch_of(row) if row else None

    def begin(self, batch: DecidedBatch) -> bool:
        """Reserve the id; another transaction that has it is waited for. See the port."""
        values = {"id": batch.id, "reviewer": batch.reviewer, "request_digest": batch.request_digest}
        return insert_or_ignore(self._session, BatchRow, [{**values, **_outcome(batch)}]) == 1

    def record(self, batch: DecidedBatch, reviews: Sequence[Review]) -> None:
        """Add the reviews and let them stand; see the port."""
        connection = self._session.connection()
        for chunk in chunks(reviews):
            connection.execute(insert(ReviewRow), [review_values(review, batch.id) for review in chunk])
        self._session.exec(
            update(CandidateRow)
            .where(col(ReviewRow.batch_id) == batch.id, col(ReviewRow.candidate_id) == CandidateRow.id)
            .values(decision=ReviewRow.decision, review_id=ReviewRow.id)
            .execution_options(synchronize_session=False)
        )
        self._session.exec(update(BatchRow).where(col(BatchRow.id) == batch.id).values(**_outcome(batch)))

    def judged(self, wanted: CandidateFilter) -> Sequence[Review]:
        """Reviews by people, one candidate at a time; see the port."""
        query = (
            select(ReviewRow)
            .join(CandidateRow, col(CandidateRow.id) == ReviewRow.candidate_id)
            .where(*conditions(self._session, wanted))
            .where(~col(ReviewRow.in_bulk), ~col(ReviewRow.reviewer).startswith(POLICY))
        )
        return [review_of(row) for row in self._session.exec(query)]


class SqlDraws:
    """The `Draws` port."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def seeds(self, drawn_by: str, ids: Collection[str]) -> Mapping[str, int]:
        """Seeds by candidate; see the port."""
        found: dict[str, int] = {}
        for chunk in chunks(ids):
            query = select(DrawRow).where(DrawRow.drawn_by == drawn_by, col(DrawRow.candidate_id).in_(chunk))
            found.update({row.candidate_id: row.seed for row in self._session.exec(query)})
        return found

    def remember(self, drawn_by: str, ids: Collection[str], seed: int) -> None:
        """The latest draw counts; see the port."""
        self.forget(drawn_by, ids)
        rows = [{"drawn_by": drawn_by, "candidate_id": key, "seed": seed} for key in sorted(ids)]
        insert_or_ignore(self._session, DrawRow, rows)

    def forget(self, drawn_by: str, ids: Collection[str]) -> None:
        """No draw; see the port."""
        for chunk in chunks(ids):
            self._session.exec(
                delete(DrawRow).where(col(DrawRow.drawn_by) == drawn_by, col(DrawRow.candidate_id).in_(chunk))
            )


def _outcome(batch: DecidedBatch) -> dict[str, Any]:
    return {
        "decided_at": batch.decided_at,
        "approved_count": batch.approved_count,
        "rejected_count": batch.rejected_count,
        "corrected_count": batch.corrected_count,
    }

"""Candidates and where they stand, in SQL."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Executable, func
from sqlmodel import Session, col, select

from shared.runtime.database import insert_or_ignore
from svc_label.adapters.chunks import chunks
from svc_label.adapters.filters import conditions
from svc_label.adapters.progress import count_progress
from svc_label.adapters.rows import candidate_of, candidate_values, review_of, standing_of
from svc_label.adapters.tables import CandidateRow, ReviewRow, SeriesRow
from svc_label.domain.candidates import Candidate
from svc_label.domain.exports import ApprovedClaim
from svc_label.domain.picking import MOST_UNCERTAIN, Pick, pick
from svc_label.domain.progress import Progress
from svc_label.domain.queue import CandidateFilter, Standing
from svc_label.domain.reviews import Decision

ID, CONFIDENCE = col(CandidateRow.id), col(CandidateRow.confidence)
# The orders that SQL can tell, each the same as the domain's.
ORDERS: Mapping[Pick, tuple[Any, ...]] = {
    Pick.TOP: (CONFIDENCE.desc(), ID),
    Pick.LOWEST: (CONFIDENCE, ID),
    Pick.UNCERTAIN: (func.abs(CONFIDENCE - MOST_UNCERTAIN), ID),
}
STREAMED = 20_000


class SqlCandidates:
    """The `Candidates` port."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, candidates: Iterable[Candidate], *, origin: str = "") -> None:
        """Record those that are new, in an order that two writers share; see the port."""
        series: dict[tuple[str, str], int] = {}
        for chunk in chunks(sorted(candidates, key=lambda c: c.id)):
            rows = []
            for candidate in chunk:
                key = (candidate.dataset_name, candidate.dataset_digest)
                if key not in series:
                    series[key] = self._series_id(*key)
                rows.append(candidate_values(candidate, series_id=series[key], origin=origin))
            insert_or_ignore(self._session, CandidateRow, rows)

    def count(self, wanted: CandidateFilter) -> int:
        """How many match."""
        query = select(func.count()).select_from(CandidateRow).where(*conditions(self._session, wanted))
        return self._session.exec(query).one()

    def pick(self, wanted: CandidateFilter, *, how: Pick, limit: int, seed: int) -> Sequence[Standing]:
        """Those picked; see the port."""
        query = select(CandidateRow.id, CandidateRow.confidence).where(*conditions(self._session, wanted))
        if how in ORDERS:
            ids = [key for key, _ in self._session.exec(query.order_by(*ORDERS[how]).limit(limit))]
        else:
            ids = self._pick_streamed(query, how=how, limit=limit, seed=seed)
        standing = self._standing(ids)
        return [standing[candidate_id] for candidate_id in ids]

    def find(self, ids: Collection[str]) -> Mapping[str, Candidate]:
        """By id; see the port."""
        return {key: standing.candidate for key, standing in self._standing(ids).items()}

    def lock(self, ids: Collection[str]) -> Collection[str]:
        """Lock in the order of ids, so that two writers never wait for each other; see the port."""
        found: set[str] = set()
        for chunk in chunks(sorted(ids)):
            query = select(CandidateRow.id).where(ID.in_(chunk)).order_by(ID).with_for_update()
            found.update(self._session.exec(query))
        return found

    def lock_matching(self, wanted: CandidateFilter) -> Sequence[str]:
        """Lock in the order of ids; see the port."""
        query = select(CandidateRow.id).where(*conditions(self._session, wanted)).order_by(ID).with_for_update()
        return self._session.exec(query).all()

    def ids(self, wanted: CandidateFilter) -> Sequence[str]:
        """The ids of those that match."""
        return self._session.exec(select(CandidateRow.id).where(*conditions(self._session, wanted))).all()

    def approved(self, wanted: CandidateFilter) -> Sequence[ApprovedClaim]:
        """Those approved or corrected; see the port."""
        query = (
            select(CandidateRow, SeriesRow, ReviewRow)
            .join(SeriesRow, col(SeriesRow.id) == CandidateRow.series_id)
            .join(ReviewRow, col(ReviewRow.id) == CandidateRow.review_id)
            .where(*conditions(self._session, wanted))
            .where(col(CandidateRow.decision).in_([Decision.APPROVED, Decision.CORRECTED]))
        )
        return [
            ApprovedClaim(candidate=candidate_of(row, series), review=review_of(review), origin=row.origin)
            for row, series, review in self._session.exec(query)
        ]

    def progress(self, wanted: CandidateFilter) -> Sequence[Progress]:
        """Counts; see the port."""
        return count_progress(self._session, wanted)

    def _pick_streamed(self, query: Executable, *, how: Pick, limit: int, seed: int) -> list[str]:
        """An order that SQL cannot tell.

        What is not picked from a part is not picked from the whole either, so the candidates pass by in parts and
        only those picked so far are held.
        """
        held: list[tuple[str, float]] = []
        passing = self._session.connection().execution_options(yield_per=STREAMED).execute(query)
        for part in passing.partitions():
            held += [(row.id, row.confidence) for row in part]
            ids, confidences = [key for key, _ in held], [confidence for _, confidence in held]
            held = [held[i] for i in pick(ids, confidences, how=how, limit=limit, seed=seed)]
        return [key for key, _ in held]

    def _standing(self, ids: Collection[str]) -> dict[str, Standing]:
        found: dict[str, Standing] = {}
        for chunk in chunks(ids):
            query = (
                select(CandidateRow, SeriesRow, ReviewRow)
                .join(SeriesRow, col(SeriesRow.id) == CandidateRow.series_id)
                .outerjoin(ReviewRow, col(ReviewRow.id) == CandidateRow.review_id)
                .where(ID.in_(chunk))
            )
            for row, series, review in self._session.exec(query):
                found[row.id] = standing_of(row, series, review)
        return found

    def _series_id(self, name: str, digest: str) -> int:
        query = select(SeriesRow.id).where(SeriesRow.name == name, SeriesRow.digest == digest)
        series_id = self._session.exec(query).one()
        assert series_id is not None, "the row is stored"
        return series_id

"""The index of review sets in SQL."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import and_, tuple_
from sqlmodel import Session, col, or_, select

from shared.contracts.lineage import NodeType
from shared.runtime.database import insert_or_ignore
from svc_registry.adapters.chunks import in_chunks
from svc_registry.adapters.tables import EdgeRow, NodeRow, ReviewSetCandidateRow, ReviewSetReviewerRow, ReviewSetRow
from svc_registry.domain.reviews import ReviewedCandidate, UnreadSet

# Review sets that are not indexed: what each went into, and why, empty where nobody has tried.
LACKING = (
    select(EdgeRow.parent, EdgeRow.child, ReviewSetRow.reason)
    .join(NodeRow, and_(col(NodeRow.key) == EdgeRow.parent, col(NodeRow.type) == NodeType.REVIEWS))
    .outerjoin(ReviewSetRow, col(ReviewSetRow.key) == EdgeRow.parent)
    .where(or_(col(ReviewSetRow.key).is_(None), col(ReviewSetRow.indexed).is_(False)))
)


class SqlReviewIndex:
    """The `ReviewIndex` port."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def lacking(self, dataset: str) -> Sequence[str]:
        """Of one dataset."""
        query = LACKING.where(EdgeRow.child == dataset).order_by(EdgeRow.parent)
        return [key for key, _, _ in self._session.exec(query)]

    def all_lacking(self, *, after: tuple[str, str], limit: int) -> Sequence[tuple[str, str]]:
        """A page."""
        place = tuple_(col(EdgeRow.parent), col(EdgeRow.child))
        query = LACKING.where(place > after).order_by(EdgeRow.parent, EdgeRow.child).limit(limit)
        return [(key, dataset) for key, dataset, _ in self._session.exec(query)]

    def put(self, key: str, batches: Iterable[Sequence[ReviewedCandidate]]) -> None:
        """Index a set under the lock of its row."""
        row = self._locked(key)
        if row.indexed:
            return
        approved: Counter[str] = Counter()
        for batch in batches:
            approved.update(entry.reviewer for entry in batch)
            candidates = sorted({entry.candidate_id for entry in batch})
            rows = [{"key": key, "candidate_id": candidate_id} for candidate_id in candidates]
            insert_or_ignore(self._session, ReviewSetCandidateRow, rows)
        reviewers = [{"key": key, "reviewer": name, "approved": count} for name, count in sorted(approved.items())]
        insert_or_ignore(self._session, ReviewSetReviewerRow, reviewers)
        row.indexed, row.reason = True, ""
        self._session.add(row)

    def put_unread(self, key: str, reason: str) -> None:
        """Remember why."""
        row = self._locked(key)
        if not row.indexed:
            row.reason = reason
            self._session.add(row)

    def unread(self, *, limit: int) -> Sequence[UnreadSet]:
        """By key."""
        lacking = LACKING.subquery().columns
        query = select(lacking.parent, lacking.reason).distinct().order_by(lacking.parent).limit(limit)
        return [UnreadSet(key, reason or "") for key, reason in self._session.exec(query)]

    def reviewers(self, keys: Collection[str]) -> Mapping[str, Mapping[str, int]]:
        """By set."""
        found: dict[str, dict[str, int]] = defaultdict(dict)
        for some in in_chunks(keys):
            query = select(ReviewSetReviewerRow).where(col(ReviewSetReviewerRow.key).in_(some))
            for row in self._session.exec(query.order_by(ReviewSetReviewerRow.reviewer)):
                found[row.key][row.reviewer] = row.approved
        return found

    def _locked(self, key: str) -> ReviewSetRow:
        insert_or_ignore(self._session, ReviewSetRow, [{"key": key, "indexed": False, "reason": ""}])
        return self._session.exec(select(ReviewSetRow).where(ReviewSetRow.key == key).with_for_update()).one()

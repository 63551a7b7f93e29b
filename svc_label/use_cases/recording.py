"""Recording a batch of decisions inside a transaction, whoever decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.contracts.series import Segment
from svc_label.domain.batches import DecidedBatch, counted
from svc_label.domain.events import ReviewDecided
from svc_label.domain.picking import Pick
from svc_label.domain.reviews import Decision, Review, review_id
from svc_label.ports import LabelTransaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What is decided of one candidate, and how it came before the reviewer; the fields are those of `Review`."""

    decision: Decision
    reason: str = ""
    corrected: Segment | None = None
    in_bulk: bool = False
    pick: Pick | None = None
    seed: int = 0


def begin_batch(tx: LabelTransaction, batch_id: str, reviewer: str, *, request_digest: str) -> DecidedBatch | None:
    """Reserve a batch's id; None when the batch was recorded before."""
    batch = DecidedBatch(id=batch_id, reviewer=reviewer, request_digest=request_digest, decided_at=datetime.now(UTC))
    return batch if tx.reviews.begin(batch) else None


def record_reviews(tx: LabelTransaction, begun: DecidedBatch, rulings: Mapping[str, Ruling]) -> DecidedBatch:
    """Record rulings on locked candidates (candidate id -> ruling) and announce the batch.

    The time is taken here, after the locks: so what was recorded last is what was decided last.
    """
    now = datetime.now(UTC)
    reviews = [_review(begun, candidate_id, ruling, now) for candidate_id, ruling in rulings.items()]
    batch = counted(begun, now, reviews)
    tx.reviews.record(batch, reviews)
    if reviews:
        tx.outbox.add(ReviewDecided(batch=batch))
    return batch


def _review(batch: DecidedBatch, candidate_id: str, ruling: Ruling, now: datetime) -> Review:
    return Review(
        id=review_id(batch.id, candidate_id),
        candidate_id=candidate_id,
        decision=ruling.decision,
        reviewer=batch.reviewer,
        decided_at=now,
        reason=ruling.reason,
        corrected=ruling.corrected,
        in_bulk=ruling.in_bulk,
        pick=ruling.pick,
        seed=ruling.seed,
    )

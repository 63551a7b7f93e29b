"""How far review has come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from svc_label.domain.queue import Standing
from svc_label.domain.reviews import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Counts of one dataset version, labeler and reviewer; the reviewer is empty for what nobody has decided."""

    dataset_name: str
    dataset_digest: str
    labeler: str
    reviewer: str
    undecided_count: int = 0
    approved_count: int = 0
    rejected_count: int = 0
    corrected_count: int = 0


def count_progress(items: Iterable[Standing]) -> list[Progress]:
    """One row a dataset version, labeler and reviewer of the decisions that stand, sorted by these."""
    counts: Counter[tuple[tuple[str, str, str, str], Decision | None]] = Counter(
        (_key(item), item.decision) for item in items
    )
    return [
        Progress(
            dataset_name=key[0],
            dataset_digest=key[1],
            labeler=key[2],
            reviewer=key[3],
            undecided_count=counts[key, None],
            approved_count=counts[key, Decision.APPROVED],
            rejected_count=counts[key, Decision.REJECTED],
            corrected_count=counts[key, Decision.CORRECTED],
        )
        for key in sorted({key for key, _ in counts})
    ]


def _key(item: Standing) -> tuple[str, str, str, str]:
    candidate = item.candidate
    reviewer = item.review.reviewer if item.review else ""
    return candidate.dataset_name, candidate.dataset_digest, candidate.labeler, reviewer

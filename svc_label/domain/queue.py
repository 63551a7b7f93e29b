"""Which candidates a question about the queue means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shared.errors import InvalidInputError
from svc_label.domain.candidates import Candidate
from svc_label.domain.picking import Pick, pick
from svc_label.domain.reviews import Decision, Review


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A candidate and the review that stands, None while nobody has decided."""

    candidate: Candidate
    review: Review | None = None

    @property
    def decision(self) -> Decision | None:
        """The decision that stands."""
        return self.review.decision if self.review else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateFilter:
    """Which candidates are meant; a field left at its default does not narrow.

    Attributes:
        dataset_name: the dataset.
        dataset_digest: one version of it.
        labeler: who proposed.
        min_confidence: lowest confidence, inclusive.
        max_confidence: highest confidence, inclusive.
        decision: only candidates where this decision stands.
        undecided_only: only candidates without a decision.
    """

    dataset_name: str = ""
    dataset_digest: str = ""
    labeler: str = ""
    min_confidence: float = 0.0
    max_confidence: float = 1.0
    decision: Decision | None = None
    undecided_only: bool = False

    def __post_init__(self) -> None:
        for field in ("min_confidence", "max_confidence"):
            value = getattr(self, field)
            if not 0.0 <= value <= 1.0:
                raise InvalidInputError.of(field, f"{value!r} is not in [0, 1]")
        if self.min_confidence > self.max_confidence:
            raise InvalidInputError.of(
                "min_confidence", f"{self.min_confidence} is above max_confidence ({self.max_confidence})"
            )
        if self.undecided_only and self.decision is not None:
            raise InvalidInputError.of(
                "undecided_only", f"candidates where {self.decision} stands are decided: ask for one of the two"
            )

    def matches(self, item: Standing) -> bool:
        """Whether the candidate is meant."""
        candidate = item.candidate
        return (
            self.dataset_name in {"", candidate.dataset_name}
            and self.dataset_digest in {"", candidate.dataset_digest}
            and self.labeler in {"", candidate.labeler}
            and self.min_confidence <= candidate.segment.confidence <= self.max_confidence
            and self.decision in {None, item.decision}
            and not (self.undecided_only and item.review is not None)
        )


def pick_from_queue(
    items: Iterable[Standing], wanted: CandidateFilter, *, how: Pick, limit: int, seed: int = 0
) -> list[Standing]:
    """The candidates picked among those that match, in the order of the pick."""
    matching = [item for item in items if wanted.matches(item)]
    ids = [item.candidate.id for item in matching]
    confidences = [item.candidate.segment.confidence for item in matching]
    return [matching[i] for i in pick(ids, confidences, how=how, limit=limit, seed=seed)]

"""A candidate: one proposed label, named by what it says."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.contracts.ids import derived_id
from shared.contracts.series import Segment
from shared.errors import InvalidInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One proposed label; the same proposal about the same dataset version is the same candidate.

    Attributes:
        dataset_name: the dataset it speaks of.
        dataset_digest: that version's manifest digest.
        labeler: who proposed it, e.g. `robust`, `inject`, `model:pump-detector@3`.
        segment: the claim, with its channel, label and confidence.
        id: derived from all of these but the times and the confidence, which a second run may compute anew.
    """

    dataset_name: str
    dataset_digest: str
    labeler: str
    segment: Segment
    id: str = field(init=False)

    def __post_init__(self) -> None:
        if not 0.0 <= self.segment.confidence <= 1.0:
            raise InvalidInputError.of("confidence", f"{self.segment.confidence!r} is not in [0, 1]")
        object.__setattr__(self, "id", candidate_id(self.dataset_name, self.dataset_digest, self.labeler, self.segment))


def candidate_id(dataset_name: str, dataset_digest: str, labeler: str, segment: Segment) -> str:
    """The id of what is claimed: dataset version, labeler, channel, label and rows."""
    rows = f"{segment.start_row}-{segment.end_row}"
    return derived_id("candidate", dataset_name, dataset_digest, labeler, segment.channel, segment.label, rows)

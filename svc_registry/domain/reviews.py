"""Review sets: who approved which candidates went into a dataset, and what may be asked of that."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shared.contracts.lineage import NodeType, reviews_key
from shared.contracts.manifest import FileEntry, Manifest
from shared.contracts.series import REVIEWS_FILE


@dataclass(frozen=True, slots=True)
class ReviewedCandidate:
    """A candidate and who approved (or corrected) it."""

    candidate_id: str
    reviewer: str


@dataclass(frozen=True, slots=True)
class UnreadSet:
    """A review set that is not indexed; `reason` is empty while nobody has tried."""

    key: str
    reason: str = ""


class SubjectType(StrEnum):
    """What a question about training data may name."""

    REVIEWER = "reviewer"
    CANDIDATE = "candidate"
    NODE = "node"


@dataclass(frozen=True, slots=True)
class Subject:
    """What models may have learnt from.

    A reviewer or a candidate stands for every review set that names it; a node (by key) stands for itself.
    """

    type: SubjectType
    value: str


def review_sets(manifest: Manifest) -> tuple[str, ...]:
    """The review sets that a manifest says went in; several where datasets were merged."""
    return tuple(parent for parent in manifest.parents if parent.startswith(f"{NodeType.REVIEWS}/"))


def reviews_file(manifest: Manifest, key: str) -> FileEntry | None:
    """The file that holds a review set; None when the manifest only passes the set on.

    A manifest's own file holds the set that its facts name, or the only one that it was made from.
    """
    named = manifest.meta.get("reviews")
    own = reviews_key(str(named.get("digest"))) if isinstance(named, dict) else None
    sets = review_sets(manifest)
    if key != (own if own in sets else sets[0] if len(sets) == 1 else None):
        return None
    return manifest.file(REVIEWS_FILE)

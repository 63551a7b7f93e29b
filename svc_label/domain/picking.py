"""How the queue chooses among candidates: top, lowest, uncertain, random, stratified."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from enum import StrEnum

BINS = 10
MOST_UNCERTAIN = 0.5


class Pick(StrEnum):
    """How the queue chooses."""

    TOP = "top"  # highest confidence first
    LOWEST = "lowest"  # lowest confidence first
    UNCERTAIN = "uncertain"  # nearest to one half first
    RANDOM = "random"  # by seed, whatever the confidence
    STRATIFIED = "stratified"  # one of each bin of confidence in turn, by seed within a bin


def pick(ids: Sequence[str], confidences: Sequence[float], *, how: Pick, limit: int, seed: int = 0) -> list[int]:
    """Positions of the candidates picked, in the order of the pick.

    The answer depends on the candidates, not on the order in which they are given: ties are broken by id.

    Args:
        ids: the candidates that match the filter.
        confidences: their confidences, in the same order.
        how: the pick.
        limit: at most so many.
        seed: for the random and the stratified pick.
    """
    positions = range(len(ids))
    match how:
        case Pick.TOP:
            order = sorted(positions, key=lambda i: (-confidences[i], ids[i]))
        case Pick.LOWEST:
            order = sorted(positions, key=lambda i: (confidences[i], ids[i]))
        case Pick.UNCERTAIN:
            order = sorted(positions, key=lambda i: (abs(confidences[i] - MOST_UNCERTAIN), ids[i]))
        case Pick.RANDOM:
            order = sorted(positions, key=lambda i: random_rank(seed, ids[i]))
        case Pick.STRATIFIED:
            order = _stratified(ids, confidences, seed)
    return order[:limit]


def random_rank(seed: int, candidate_id: str) -> bytes:
    """The candidate's place in the random order of a seed.

    A candidate keeps its place when others are decided or added, so that asking for the next page goes on where the
    last one ended, and what was reviewed is a prefix of one order: the sample that `quality` needs.
    """
    return hashlib.sha256(f"{seed}\0{candidate_id}".encode()).digest()


def confidence_bin(confidence: float) -> int:
    """Which of ten equal bins over [0, 1] a confidence falls in; 1 belongs to the last."""
    return min(int(confidence * BINS), BINS - 1)


def _stratified(ids: Sequence[str], confidences: Sequence[float], seed: int) -> list[int]:
    bins: defaultdict[int, list[int]] = defaultdict(list)
    for i in sorted(range(len(ids)), key=lambda i: random_rank(seed, ids[i])):
        bins[confidence_bin(confidences[i])].append(i)
    turn = {i: place for members in bins.values() for place, i in enumerate(members)}
    # Within a turn the surest bin comes first; a bin that has run out leaves its turns to the others.
    return sorted(turn, key=lambda i: (turn[i], -confidence_bin(confidences[i])))

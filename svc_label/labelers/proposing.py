"""From one score a row to proposals: what stands above a threshold, trimmed, joined and ranked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from shared.contracts.parameters import parameter
from svc_label.domain.segments import segment_of_rows
from svc_label.labelers.base import Floats, Proposal, SeriesFrame

LABEL = "anomaly"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposingParameters:
    """What all detectors share."""

    gap_rows: int = parameter(
        16,
        low=0,
        high=1_000_000,
        help="Stretches above the threshold that are at most so many rows apart are one candidate.",
    )
    max_candidates: int = parameter(
        200, low=1, high=100_000, help="The most candidates that one run proposes; the best ones are kept."
    )


@dataclass(frozen=True, slots=True)
class Span:
    """Rows [start, end) and the highest score among them."""

    start: int
    end: int
    peak: float


def spans_above(scores: Floats, threshold: float, *, gap_rows: int, limit: int, keep: float = 0.0) -> list[Span]:
    """The stretches of rows that reach the threshold, highest peak first.

    Where no row reaches it, the stretch around the highest score is given all the same: a reviewer gets to see the
    best guess, and its score says how little it is. Scores of zero are never a guess.

    Args:
        scores: [rows], 0 or more.
        threshold: above 0.
        gap_rows: stretches at most so far apart are joined.
        limit: at most so many stretches.
        keep: each stretch is trimmed to its rows that reach this share of its peak, first to last.
    """
    highest = float(scores.max(initial=0.0))
    if highest <= 0.0:
        return []
    if highest < threshold:
        threshold, limit = highest / 2, 1
    starts, ends = _stretches(scores >= threshold, gap_rows)
    peaks = np.array([scores[a:b].max() for a, b in zip(starts, ends, strict=True)])
    best = np.argsort(-peaks, kind="stable")[:limit]
    return [_trimmed(scores, int(starts[i]), int(ends[i]), float(peaks[i]), keep) for i in best]


def _stretches(above: np.ndarray[tuple[int], np.dtype[np.bool_]], gap_rows: int) -> tuple[list[int], list[int]]:
    edges = np.flatnonzero(np.diff(above, prepend=False, append=False))
    starts, ends = edges[::2], edges[1::2]
    apart = starts[1:] - ends[:-1] > gap_rows
    return [int(starts[0]), *starts[1:][apart].tolist()], [*ends[:-1][apart].tolist(), int(ends[-1])]


def _trimmed(scores: Floats, start: int, end: int, peak: float, keep: float) -> Span:
    kept = np.flatnonzero(scores[start:end] >= keep * peak)
    return Span(start + int(kept[0]), start + int(kept[-1]) + 1, peak)


def proposals_of(
    series: SeriesFrame, channel: str, spans: list[Span], confidence: Callable[[float], float]
) -> list[Proposal]:
    """A proposal a span; `confidence` maps a peak to [0, 1] and must grow with it."""
    return [
        Proposal(
            segment=segment_of_rows(
                series.time, span.start, span.end, channel=channel, label=LABEL, confidence=confidence(span.peak)
            ),
            score=span.peak,
        )
        for span in spans
    ]


def ranked(proposals: list[Proposal], limit: int) -> tuple[Proposal, ...]:
    """The surest proposals of all channels, surest first."""
    return tuple(sorted(proposals, key=_rank)[:limit])


def _rank(proposal: Proposal) -> tuple[float, int, str]:
    return -proposal.segment.confidence, proposal.segment.start_row, proposal.segment.channel

"""How well scores and segments find known anomalies: distances, hits, false alarms, VUS-PR. Needs numpy alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Rows = tuple[int, int]


def top_point_distance(labels: ArrayLike, scores: ArrayLike) -> int:
    """Rows from the highest-scored row to the nearest anomalous one, 0 inside an anomaly.

    Where several rows share the highest score the farthest counts: a detector gets nothing for not deciding.

    Args:
        labels: [rows], true where anomalous.
        scores: [rows], higher is more anomalous.

    Raises:
        ValueError: the shapes differ, a score is NaN, or nothing is labelled.
    """
    anomalous, score = _checked(labels, scores)
    rows = np.flatnonzero(anomalous)
    top = np.flatnonzero(score == score.max())
    after = np.searchsorted(rows, top)
    right = np.abs(rows[np.minimum(after, len(rows) - 1)] - top)
    left = np.abs(top - rows[np.maximum(after - 1, 0)])
    return int(np.minimum(left, right).max())


def hit_within(labels: ArrayLike, scores: ArrayLike, tolerance: int = 100) -> bool:
    """Whether the highest-scored row lies at most `tolerance` rows from an anomaly."""
    return top_point_distance(labels, scores) <= tolerance


def segments_above(
    truth: Sequence[Rows], segments: Sequence[Rows], confidences: Sequence[float], *, tolerance: int = 0
) -> int:
    """False segments ranked above, or level with, the best true one: what a reviewer sees before the first find.

    A segment is true when it comes within `tolerance` rows of a true one. Without any true segment all are false.

    Args:
        truth: true segments as rows [start, end).
        segments: proposed segments as rows [start, end).
        confidences: one per proposed segment.
        tolerance: rows.
    """
    hits = [any(a < end + tolerance and start < b + tolerance for a, b in truth) for start, end in segments]
    best = max((c for c, hit in zip(confidences, hits, strict=True) if hit), default=-np.inf)
    return sum(not hit and c >= best for c, hit in zip(confidences, hits, strict=True))


def scores_of_segments(rows: int, segments: Sequence[Rows], confidences: Sequence[float]) -> Floats:
    """One score a row: the highest confidence of the segments [start, end) that hold it, 0 outside all."""
    scores = np.zeros(rows)
    for (start, end), confidence in zip(segments, confidences, strict=True):
        np.maximum(scores[start:end], confidence, out=scores[start:end])
    return scores


def vus_pr(labels: ArrayLike, scores: ArrayLike, max_buffer: int, *, thresholds: int | None = None) -> float:
    """Volume under the surface of precision and recall, in [0, 1].

    Paparrizos, Boniol, Palpanas, Tsay, Elmore and Franklin (2022), Volume Under the Surface, VLDB 15(11): the area
    under the precision-recall curve, averaged over buffers of 0 to `max_buffer` rows. A buffer of b rows softens each
    anomaly's borders: b // 2 rows on either side count as anomalous by sqrt(1 - distance / b). Recall is multiplied
    by the share of anomalies, buffers included, that are touched at all.

    Args:
        labels: [rows], true where anomalous.
        scores: [rows], higher is more anomalous; only their order counts.
        max_buffer: rows, 0 or more; 0 gives the average precision. The benchmark takes twice the series' period.
        thresholds: None tries every distinct score. Published tables were made with 250 evenly ranked ones, which
            costs a short anomaly much of its area; give 250 to compare with them.

    Raises:
        ValueError: the shapes differ, a score is NaN, nothing is labelled, or `max_buffer` is negative.
    """
    anomalous, score = _checked(labels, scores)
    if max_buffer < 0:
        raise ValueError(f"max_buffer is {max_buffer}; use 0 or more rows")
    levels = _levels(score, thresholds)
    areas = [_area(anomalous, score, levels, buffer) for buffer in range(max_buffer + 1)]
    return float(np.mean(areas))


def _checked(labels: ArrayLike, scores: ArrayLike) -> tuple[Bools, Floats]:
    anomalous, score = np.asarray(labels).astype(bool), np.asarray(scores, dtype=np.float64)
    if anomalous.ndim != 1 or anomalous.shape != score.shape:
        raise ValueError(f"labels {anomalous.shape} and scores {score.shape} must be two lists of one length")
    if np.isnan(score).any():
        raise ValueError("a score is NaN; give rows that were not scored the lowest score")
    if not anomalous.any():
        raise ValueError("no row is labelled anomalous, so there is nothing to find")
    return anomalous, score


def _levels(score: Floats, thresholds: int | None) -> Floats:
    """The scores at which the curve is evaluated, ascending and distinct."""
    ordered = np.sort(score)[::-1]
    if thresholds is not None:
        ordered = ordered[np.linspace(0, len(ordered) - 1, thresholds).astype(int)]
    return np.unique(ordered)


def _area(anomalous: Bools, score: Floats, levels: Floats, buffer: int) -> float:
    half = buffer // 2
    starts, ends = _stretches(anomalous)
    soft = _buffer_weights(anomalous, starts, ends, buffer)
    inside, softly = np.flatnonzero(anomalous), np.flatnonzero(soft)
    predicted = _count_from(np.searchsorted(levels, score, side="right"), None, len(levels))
    found = _count_from(np.searchsorted(levels, score[inside], side="right"), None, len(levels))
    touched = _count_from(np.searchsorted(levels, score[softly], side="right"), soft[softly], len(levels))
    peaks = [score[start:end].max() for start, end in _joined(starts, ends, half, len(score))]
    existence = _count_from(np.searchsorted(levels, peaks, side="right"), None, len(levels)) / len(peaks)
    # The soft rows that are found raise what there is to find by half as much as what is found.
    recall = np.minimum((found + touched) / (len(inside) + touched / 2), 1.0) * existence
    precision = (found + touched) / predicted
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def _count_from(reached: NDArray[np.intp], weights: Floats | None, levels: int) -> Floats:
    """Per level, highest first, the weight of the rows whose score reaches it.

    `reached` says for each row how many of the ascending levels its score reaches.
    """
    per_level = np.bincount(reached, weights, minlength=levels + 1)
    return np.asarray(np.cumsum(per_level[:0:-1]), dtype=np.float64)


def _stretches(mask: Bools) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False))
    return edges[::2], edges[1::2]


def _buffer_weights(anomalous: Bools, starts: NDArray[np.intp], ends: NDArray[np.intp], buffer: int) -> Floats:
    weights = np.zeros(len(anomalous))
    distance = np.arange(1, buffer // 2 + 1)
    slope = np.sqrt(1.0 - distance / buffer) if buffer else np.empty(0)
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        before, after = min(len(slope), start), min(len(slope), len(weights) - end)
        weights[start - before : start] += slope[:before][::-1]
        weights[end : end + after] += slope[:after]
    weights[anomalous] = 0.0
    return np.minimum(weights, 1.0)


def _joined(starts: NDArray[np.intp], ends: NDArray[np.intp], half: int, rows: int) -> list[Rows]:
    """The anomalies with their buffers, those that touch joined into one."""
    joined: list[Rows] = []
    for start, end in zip(np.maximum(starts - half, 0).tolist(), np.minimum(ends + half, rows).tolist(), strict=True):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined

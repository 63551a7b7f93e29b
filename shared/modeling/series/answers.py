"""Logits to answers: scores over overlapping windows, segments with confidence, and a sentence about them.

Shape suffixes: N = windows of one channel, T = points in a window, R = rows of the series, L = labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.modeling.series.spec import SeriesSpec
from shared.modeling.series.values import AnswerSegment

# Segments a sentence speaks of; the rest is counted.
SPOKEN = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChannelScores:
    """What the model thinks of each row of one channel.

    Args:
        score_R: float32 in [0, 1], how sure it is that the row belongs to a segment; 0 where nothing was measured.
        label_RL: float32, how likely each label is for the case that it does; rows sum to 1.
    """

    score_R: NDArray[np.float32]
    label_RL: NDArray[np.float32]


def join_windows(
    *,
    starts: Sequence[int],
    score_NT: NDArray[np.float32],
    label_NTL: NDArray[np.float32],
    observed_R: NDArray[np.bool_],
) -> ChannelScores:
    """The weighted mean of all windows over each row; a window knows most about the rows in its middle.

    Args:
        starts: first row of each window; together they cover all rows.
        score_NT: probabilities.
        label_NTL: probabilities.
        observed_R: rows that were measured.
    """
    rows, window = len(observed_R), score_NT.shape[1]
    weight_T = _taper(window)
    total_R = np.zeros(rows)
    score_R = np.zeros(rows)
    label_RL = np.zeros((rows, label_NTL.shape[2]))
    for start, score_T, label_TL in zip(starts, score_NT, label_NTL, strict=True):
        covered = min(window, rows - start)
        here = slice(start, start + covered)
        total_R[here] += weight_T[:covered]
        score_R[here] += weight_T[:covered] * score_T[:covered]
        label_RL[here] += weight_T[:covered, None] * label_TL[:covered]
    return ChannelScores(
        score_R=np.where(observed_R, score_R / total_R, 0.0).astype(np.float32),
        label_RL=(label_RL / total_R[:, None]).astype(np.float32),
    )


def find_segments(scores: ChannelScores, *, channel: str, spec: SeriesSpec) -> list[AnswerSegment]:
    """Stretches of rows whose score reaches the threshold; the confidence is their highest score."""
    return [
        AnswerSegment(
            start_row=start,
            end_row=end,
            channel=channel,
            label=_label(scores, start, end, spec),
            confidence=float(scores.score_R[start:end].max()),
        )
        for start, end in _runs(scores.score_R >= spec.threshold, spec.merge_gap)
    ]


def by_confidence(segments: Sequence[AnswerSegment]) -> tuple[AnswerSegment, ...]:
    """The segments by falling confidence, then by place."""
    return tuple(sorted(segments, key=lambda s: (-s.confidence, s.start_row, s.channel)))


def sentence(segments: Sequence[AnswerSegment], *, rows: int) -> str:
    """One sentence about the segments, which are sorted by confidence.

    It is rendered from the segments: the language model writes no text of its own here.
    """
    if not segments:
        return f"Nothing unusual was found in {rows} rows."
    spoken = "; ".join(
        f"{s.label} in rows {s.start_row} to {s.end_row - 1} of {s.channel!r} (confidence {s.confidence:.2f})"
        for s in segments[:SPOKEN]
    )
    rest = f"; and {len(segments) - SPOKEN} more" if len(segments) > SPOKEN else ""
    noun = "segment stands" if len(segments) == 1 else "segments stand"
    return f"{len(segments)} unusual {noun} out in {rows} rows: {spoken}{rest}."


def _taper(window: int) -> NDArray[np.float64]:
    """Weights of a window's points: full in the middle half, falling to a tenth at the edges."""
    distance = np.abs(np.linspace(-1, 1, window))
    weights: NDArray[np.float64] = np.clip(2 * (1 - distance), 0.1, 1.0)
    return weights


def _runs(inside_R: NDArray[np.bool_], merge_gap: int) -> list[tuple[int, int]]:
    """[start, end) of each run of True, with runs joined across gaps of at most `merge_gap`."""
    edges = np.flatnonzero(np.diff(inside_R.astype(np.int8), prepend=0, append=0))
    runs: list[tuple[int, int]] = []
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if runs and start - runs[-1][1] <= merge_gap:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
    return runs


def _label(scores: ChannelScores, start: int, end: int, spec: SeriesSpec) -> str:
    weight_R1 = scores.score_R[start:end, None]
    return spec.labels[int((scores.label_RL[start:end] * weight_R1).sum(axis=0).argmax())]

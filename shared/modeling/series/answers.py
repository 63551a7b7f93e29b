"""Logits to answers: scores over overlapping windows, segments with confidence, and a sentence about them.

Shape suffixes: T = points in a window, R = rows of the series, L = labels.
"""

# ruff: noqa: N802, N803, N806 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from shared.modeling.series.spec import SeriesSpec
from shared.modeling.series.values import AnswerSegment

# Segments a sentence speaks of; the rest is counted.
SPOKEN = 3


class RowScores:
    """What the model thinks of each row of one channel: the weighted mean of all windows over the row.

    A window knows most about the rows in its middle, where it has seen both sides.
    """

    def __init__(self, values_R: NDArray[np.float64], *, labels: int) -> None:
        self._observed_R = np.isfinite(values_R)
        self._weight_R = np.zeros(len(values_R), dtype=np.float32)
        self._score_R = np.zeros(len(values_R), dtype=np.float32)
        self._label_RL = np.zeros((len(values_R), labels), dtype=np.float32)

    def add(self, start: int, score_T: NDArray[np.float32], label_TL: NDArray[np.float32]) -> None:
        """Add the probabilities a window gives to the rows from `start` on; rows behind the end are dropped.

        `label_TL` has no columns where the network knows one label only: that one is certain then.
        """
        weight_T = _taper(len(score_T))[: len(self._score_R) - start]
        here = slice(start, start + len(weight_T))
        self._weight_R[here] += weight_T
        self._score_R[here] += weight_T * score_T[: len(weight_T)]
        self._label_RL[here] += weight_T[:, None] * (label_TL[: len(weight_T)] if label_TL.shape[1] else 1)

    @property
    def score_R(self) -> NDArray[np.float32]:
        """In [0, 1], how sure the model is that the row belongs to a segment; 0 where nothing was measured."""
        # Weighted means of numbers up to 1 may round to a hair above it.
        return np.where(self._observed_R, np.minimum(self._score_R / self._weight_R, 1), np.float32(0))

    @property
    def label_RL(self) -> NDArray[np.float32]:
        """How likely each label is for the case that the row belongs to a segment; rows sum to 1."""
        return self._label_RL / self._weight_R[:, None]


def find_segments(scores: RowScores, *, channel: str, spec: SeriesSpec) -> list[AnswerSegment]:
    """Stretches of rows whose score reaches the threshold; the confidence is their highest score."""
    score_R, label_RL = scores.score_R, scores.label_RL
    return [
        AnswerSegment(
            start_row=start,
            end_row=end,
            channel=channel,
            label=spec.labels[int((score_R[start:end, None] * label_RL[start:end]).sum(axis=0).argmax())],
            confidence=float(score_R[start:end].max()),
        )
        for start, end in _runs(score_R >= spec.threshold, spec.merge_gap)
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


@lru_cache
def _taper(window: int) -> NDArray[np.float32]:
    """Weights of a window's points: full in the middle half, falling to a tenth at the edges."""
    distance = np.abs(np.linspace(-1, 1, window))
    return np.clip(2 * (1 - distance), 0.1, 1.0).astype(np.float32)


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

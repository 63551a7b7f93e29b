"""How good a model is on held-out tracks, measured through the predictor that will serve it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shared.modeling.series.predictor import SeriesPredictor
from shared.modeling.series.values import SeriesAnswer, SeriesInput
from svc_train.recipes.series_lm.data import NORMAL, Track


def evaluate(predictor: SeriesPredictor, tracks: Sequence[Track]) -> dict[str, float]:
    """Numbers by name; empty without held-out tracks.

    Point-wise over all measured rows: `average_precision` (ranking), `f1` at the threshold, `best_f1` at the best one.
    By segment: `segment_recall` (labelled stretches that a predicted segment touches), `segment_precision`
    (predicted segments that touch a labelled stretch), `label_accuracy` (of the touching pairs, those that agree).
    What has no denominator is absent.
    """
    if not tracks:
        return {}
    answers = predictor.predict(
        [SeriesInput(id=track.series, channels=(track.channel,), values=track.values[:, None]) for track in tracks]
    )
    observed = np.concatenate([np.isfinite(track.values) for track in tracks])
    truth = np.concatenate([track.targets > NORMAL for track in tracks])[observed]
    scores = np.concatenate([answer.scores[:, 0] for answer in answers])[observed]
    inside = np.concatenate([_inside(answer) for answer in answers])[observed]
    return _by_point(truth, scores, inside) | _by_segment(tracks, answers, predictor.labels)


def average_precision(truth: NDArray[np.bool_], scores: NDArray[np.float32]) -> float:
    """Area under the precision-recall curve as a sum of steps; equal scores are one step. NaN without positives."""
    precision, recall = _curve(truth, scores)
    return float(np.sum(np.diff(recall, prepend=0.0) * precision)) if truth.any() else float("nan")


def _curve(truth: NDArray[np.bool_], scores: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Precision and recall when all rows with at least a score are taken, by falling score."""
    order = np.argsort(-scores, kind="stable")
    last_of_equals = np.flatnonzero(np.diff(scores[order], append=-np.inf))
    hits = np.cumsum(truth[order])[last_of_equals]
    return hits / (last_of_equals + 1), hits / max(int(truth.sum()), 1)


def _by_point(truth: NDArray[np.bool_], scores: NDArray[np.float32], inside: NDArray[np.bool_]) -> dict[str, float]:
    if not truth.any():
        return {}
    precision, recall = _curve(truth, scores)
    best = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return {
        "average_precision": average_precision(truth, scores),
        "f1": float(2 * (truth & inside).sum() / (truth.sum() + inside.sum())),
        "best_f1": float(best.max()),
    }


def _by_segment(tracks: Sequence[Track], answers: Sequence[SeriesAnswer], labels: Sequence[str]) -> dict[str, float]:
    true = found = true_met = found_met = pairs = agreed = 0
    for track, answer in zip(tracks, answers, strict=True):
        runs = track.runs()
        true, found = true + len(runs), found + len(answer.segments)
        found_met += sum(bool(track.targets[s.start_row : s.end_row].any()) for s in answer.segments)
        for start, end in runs:
            touching = [s for s in answer.segments if s.start_row < end and start < s.end_row]
            true_met += bool(touching)
            pairs += len(touching)
            agreed += sum(s.label == labels[track.targets[start] - 1] for s in touching)
    metrics: dict[str, float] = {}
    if true:
        metrics["segment_recall"] = true_met / true
    if found:
        metrics["segment_precision"] = found_met / found
    if pairs and len(labels) > 1:
        metrics["label_accuracy"] = agreed / pairs
    return metrics


def _inside(answer: SeriesAnswer) -> NDArray[np.bool_]:
    inside = np.zeros(len(answer.scores), dtype=bool)
    for segment in answer.segments:
        inside[segment.start_row : segment.end_row] = True
    return inside

"""Detectors and model against the one true anomaly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.table import Table

from upwell.common.v1 import common_pb2
from upwell.scoring import hit_within, scores_of_segments, segments_above, top_point_distance, vus_pr

# Rows within which a find counts, as in the UCR archive's own scoring.
TOLERANCE = 100
# Twice the length of a heart beat in this recording.
MAX_BUFFER = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How well one of them found the anomaly.

    Attributes:
        name: detector or model.
        scored_by: `segments` (their confidence) or `rows` (a score for each).
        distance: rows from the top-scored row to the anomaly.
        hit: whether that is at most `TOLERANCE`.
        vus_pr: volume under the surface of precision and recall, in [0, 1].
        false_above: false segments ranked above the first true one.
        segments: how many it proposed.
    """

    name: str
    scored_by: str
    distance: int
    hit: bool
    vus_pr: float
    false_above: int
    segments: int

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def score(
    name: str,
    segments: Sequence[common_pb2.Segment],
    *,
    rows: int,
    truth: tuple[int, int],
    row_scores: Sequence[float] | None = None,
) -> Score:
    """Score what was proposed.

    Args:
        name: who proposed it.
        segments: the proposals.
        rows: rows of the series.
        truth: rows [start, end) of the anomaly.
        row_scores: a score a row; None takes the confidence of the segments.
    """
    labels = np.zeros(rows, dtype=bool)
    labels[slice(*truth)] = True
    places = [(segment.start_row, segment.end_row) for segment in segments]
    confidences = [segment.confidence for segment in segments]
    scores = scores_of_segments(rows, places, confidences) if row_scores is None else np.asarray(row_scores)
    return Score(
        name=name,
        scored_by="segments" if row_scores is None else "rows",
        distance=top_point_distance(labels, scores),
        hit=hit_within(labels, scores, TOLERANCE),
        vus_pr=vus_pr(labels, scores, MAX_BUFFER),
        false_above=segments_above([truth], places, confidences, tolerance=TOLERANCE),
        segments=len(segments),
    )


def score_table(scores: Sequence[Score]) -> Table:
    """The scores side by side."""
    table = Table(title="Against the one true anomaly", title_justify="left")
    table.add_column("who")
    table.add_column("scored by")
    for column in ("distance", f"hit within {TOLERANCE}", "VUS-PR", "false above", "segments"):
        table.add_column(column, justify="right")
    for each in scores:
        table.add_row(
            each.name,
            each.scored_by,
            str(each.distance),
            "yes" if each.hit else "no",
            f"{each.vus_pr:.3f}",
            str(each.false_above),
            str(each.segments),
        )
    return table

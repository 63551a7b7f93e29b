"""What a model finds in a whole dataset, put together from the answers to its chunks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from shared.contracts.series import Segment
from svc_infer.domain.chunks import Chunk
from svc_infer.domain.series import Answer

# Scores are counted in so many equal steps of [0, 1]: a quantile is right to a ten-thousandth in bounded memory.
STEPS = 10_000
QUANTILES = (0.5, 0.9, 0.99, 0.999, 1.0)


class Findings:
    """Segments and score quantiles over all cores, which are added in order."""

    def __init__(self) -> None:
        self.rows = 0
        self.channels = 0
        self._ended: list[Segment] = []
        # Segments that end where the last core ended, by channel: they may go on in the next one.
        self._open: dict[str, Segment] = {}
        self._counts = np.zeros(STEPS + 1, dtype=np.int64)

    def add(self, chunk: Chunk, answer: Answer) -> None:
        """Keep what the answer says about the core."""
        inside = [part for segment in answer.segments if (part := _inside_core(chunk, segment))]
        joined = [self._continued(chunk, part) for part in inside]
        self._ended += self._open.values()
        self._open = {part.channel: part for part in joined if part.end_row == chunk.core_end}
        self._ended += [part for part in joined if part.end_row != chunk.core_end]
        core = slice(chunk.core_start - chunk.start_row, chunk.core_end - chunk.start_row)
        self._count(answer.scores[core], np.isfinite(chunk.rows.values[core]))
        self.rows = chunk.core_end
        self.channels = chunk.rows.values.shape[1]

    @property
    def segments(self) -> list[Segment]:
        """By falling confidence, then by place."""
        found = [*self._ended, *self._open.values()]
        return sorted(found, key=lambda segment: (-segment.confidence, segment.start_row, segment.channel))

    @property
    def score_quantiles(self) -> dict[str, float]:
        """Of the scores of all measured values; empty where nothing was measured."""
        total = int(self._counts.sum())
        if not total:
            return {}
        below = np.cumsum(self._counts)
        steps = [int(np.searchsorted(below, max(1, np.ceil(share * total)))) for share in QUANTILES]
        return {f"{share:g}": step / STEPS for share, step in zip(QUANTILES, steps, strict=True)}

    def _continued(self, chunk: Chunk, part: Segment) -> Segment:
        """The part with the one before it, where that ended at the border between two cores."""
        before = self._open.pop(part.channel, None) if part.start_row == chunk.core_start else None
        if before is None:
            return part
        surer = max(before, part, key=lambda segment: segment.confidence)
        return replace(
            surer,
            start_row=before.start_row,
            start_time=before.start_time,
            end_row=part.end_row,
            end_time=part.end_time,
        )

    def _count(self, scores: NDArray[np.float32], measured: NDArray[np.bool_]) -> None:
        steps = np.rint(scores[measured] * STEPS).astype(np.int64)
        self._counts += np.bincount(steps, minlength=STEPS + 1)


def _inside_core(chunk: Chunk, segment: Segment) -> Segment | None:
    start = max(chunk.start_row + segment.start_row, chunk.core_start)
    end = min(chunk.start_row + segment.end_row, chunk.core_end)
    if start >= end:
        return None
    times = chunk.rows.times
    return replace(
        segment,
        start_row=start,
        end_row=end,
        start_time=int(times[start - chunk.start_row]),
        end_time=int(times[end - 1 - chunk.start_row]),
    )

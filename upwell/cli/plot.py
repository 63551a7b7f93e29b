"""Small plots for the terminal: one line of block characters for each channel or curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from upwell.ingest.v1 import ingest_service_pb2

BLOCKS = "▁▂▃▄▅▆▇█"
GAP = " "
WIDTH = 64


def sparkline(buckets: Sequence[ingest_service_pb2.Bucket]) -> str:
    """One character a bucket, as high as the bucket's middle; a blank where no value is present."""
    return _blocks([(bucket.min + bucket.max) / 2 if bucket.count else None for bucket in buckets])


def curve(values: Sequence[float], *, width: int = WIDTH) -> str:
    """One character for each of at most `width` equal parts, as high as the mean of the part's finite values."""
    parts = min(len(values), width)
    edges = [len(values) * part // parts for part in range(parts + 1)] if parts else [0]
    return _blocks([_mean(values[start:end]) for start, end in pairwise(edges)])


def extent(buckets: Sequence[ingest_service_pb2.Bucket]) -> tuple[float, float] | None:
    """Smallest and largest value; None where no value is present."""
    filled = [bucket for bucket in buckets if bucket.count]
    if not filled:
        return None
    return min(bucket.min for bucket in filled), max(bucket.max for bucket in filled)


def _blocks(heights: Sequence[float | None]) -> str:
    present = [height for height in heights if height is not None]
    if not present:
        return GAP * len(heights)
    low, span = min(present), max(present) - min(present)
    return "".join(GAP if height is None else BLOCKS[_level(height - low, span)] for height in heights)


def _mean(values: Sequence[float]) -> float | None:
    finite = [value for value in values if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else None


def _level(height: float, span: float) -> int:
    # A constant channel is drawn in the middle.
    return len(BLOCKS) // 2 if span == 0 else min(int(height / span * len(BLOCKS)), len(BLOCKS) - 1)

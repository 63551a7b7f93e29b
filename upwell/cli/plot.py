"""A small plot for the terminal: one line of block characters a channel."""

from __future__ import annotations

from collections.abc import Sequence

from upwell.ingest.v1 import ingest_service_pb2

BLOCKS = "▁▂▃▄▅▆▇█"
GAP = " "
WIDTH = 64


def sparkline(buckets: Sequence[ingest_service_pb2.Bucket]) -> str:
    """One character a bucket, as high as the bucket's middle; a blank where no value is present."""
    middles = [(bucket.min + bucket.max) / 2 if bucket.count else None for bucket in buckets]
    present = [middle for middle in middles if middle is not None]
    if not present:
        return GAP * len(middles)
    low, span = min(present), max(present) - min(present)
    return "".join(GAP if middle is None else BLOCKS[_level(middle - low, span)] for middle in middles)


def extent(buckets: Sequence[ingest_service_pb2.Bucket]) -> tuple[float, float] | None:
    """Smallest and largest value; None where no value is present."""
    filled = [bucket for bucket in buckets if bucket.count]
    if not filled:
        return None
    return min(bucket.min for bucket in filled), max(bucket.max for bucket in filled)


def _level(height: float, span: float) -> int:
    # A constant channel is drawn in the middle.
    return len(BLOCKS) // 2 if span == 0 else min(int(height / span * len(BLOCKS)), len(BLOCKS) - 1)

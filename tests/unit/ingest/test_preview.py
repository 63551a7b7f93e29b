"""Minima and maxima in buckets, against a plain loop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shared.errors import InvalidInputError
from svc_ingest.sources.preview import preview

ROWS = 600_000
TIMES = np.cumsum(np.random.default_rng(0).integers(1, 50, ROWS))
VALUES = np.random.default_rng(1).normal(size=ROWS)
VALUES[1000:5000] = np.nan
VALUES[::7] = np.nan


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from svc_ingest.sources.base import Reading, series_schema
    from svc_ingest.sources.writer import write_series

    columns = [pa.array(TIMES), pa.array(VALUES, from_pandas=True), pa.array(np.arange(ROWS, dtype=np.float64))]
    batch = pa.record_batch(columns, schema=series_schema("index", ("a", "温度")))
    path = tmp_path_factory.mktemp("preview") / "series.parquet"
    write_series(Reading(time="index", channels=("a", "温度"), batches=(b for b in [batch])), path)
    return path


@pytest.mark.parametrize(
    ("start", "end", "buckets"),
    [
        (0, 0, 0),
        (0, 0, 1),
        (0, 0, 10_000),
        (17, 599_999, 333),
        (262_143, 262_146, 10),
        (1000, 5000, 4),
        (300_000, 300_001, 1),
    ],
)
def test_buckets_hold_what_a_loop_finds(path: Path, start: int, end: int, buckets: int) -> None:
    found = preview(path, start_row=start, end_row=end, buckets=buckets)
    assert (found.rows, found.time, list(found.channels)) == (ROWS, "index", ["a", "温度"])
    got = found.channels["a"]
    stop = end or ROWS
    assert len(got) == min(buckets or 500, stop - start)
    assert got[0].start_row == start
    ends = [bucket.start_row for bucket in got[1:]] + [stop]
    sizes = [b - bucket.start_row for bucket, b in zip(got, ends, strict=True)]
    assert max(sizes) - min(sizes) <= 1
    for bucket, bucket_end in zip(got, ends, strict=True):
        inside = VALUES[bucket.start_row : bucket_end]
        inside = inside[~np.isnan(inside)]
        expected = (float(inside.min()), float(inside.max()), inside.size) if inside.size else (0.0, 0.0, 0)
        assert (bucket.min, bucket.max, bucket.count) == expected
        assert bucket.start_time == TIMES[bucket.start_row]


def test_one_channel_is_read_alone(path: Path) -> None:
    found = preview(path, channels=["温度"], buckets=2)
    assert {name: [(b.min, b.max) for b in buckets] for name, buckets in found.channels.items()} == {
        "温度": [(0.0, ROWS // 2 - 1.0), (ROWS // 2, ROWS - 1.0)]
    }


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"channels": ["b"]}, "channels"),
        ({"buckets": 10_001}, "buckets"),
        ({"buckets": -1}, "buckets"),
        ({"start_row": ROWS}, "start_row"),
        ({"start_row": -1}, "start_row"),
        ({"end_row": ROWS + 1}, "end_row"),
        ({"start_row": 5, "end_row": 5}, "end_row"),
    ],
)
def test_wrong_questions(path: Path, arguments: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        preview(path, **arguments)
    assert caught.value.violations[0].field == field


def test_too_many_channels_at_once(ingest: Callable[..., Any]) -> None:
    names = [f"c{i}" for i in range(65)]
    made = ingest(pa.table({"time": [1, 2], **{name: [1.0, 2.0] for name in names}}), time_format="ns")
    with pytest.raises(InvalidInputError, match="65 channels are more than 64 at once"):
        preview(made.path)
    assert len(preview(made.path, channels=names[:64]).channels) == 64

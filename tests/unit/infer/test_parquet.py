"""Reading `series.parquet`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.errors import IntegrityError
from svc_infer.adapters.parquet import ParquetSeries


def written(folder: Path, table: pa.Table) -> Path:
    path = folder / "series.parquet"
    pq.write_table(table, path)
    return path


def test_rows_come_in_order_and_in_bounded_blocks(tmp_path):
    table = pa.table({"time": pa.array(range(100, 125), pa.int64()), "x": np.arange(25.0), "y": -np.arange(25.0)})
    blocks = list(ParquetSeries(rows_at_once=10).read(written(tmp_path, table)))
    assert [len(block.times) for block in blocks] == [10, 10, 5]
    assert {block.channels for block in blocks} == {("x", "y")}
    assert np.concatenate([block.times for block in blocks]).tolist() == list(range(100, 125))
    values = np.concatenate([block.values for block in blocks])
    np.testing.assert_array_equal(values, np.stack([np.arange(25.0), -np.arange(25.0)], axis=1))


def test_missing_values_are_nan_and_a_clock_is_nanoseconds(tmp_path):
    times = pa.array([1_700_000_000_000_000_001, 1_700_000_000_000_000_002], pa.timestamp("ns", tz="UTC"))
    table = pa.table({"time": times, "x": pa.array([None, 2.0], pa.float64())})
    [block] = ParquetSeries().read(written(tmp_path, table))
    assert block.times.tolist() == [1_700_000_000_000_000_001, 1_700_000_000_000_000_002]
    np.testing.assert_array_equal(block.values, [[np.nan], [2.0]])


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (pa.table({"x": [1.0]}), "needs a column 'time' and one a channel; it has: x"),
        (pa.table({"time": [1]}), "needs a column 'time' and one a channel; it has: time"),
        (pa.table({"time": [1], "x": ["high"]}), "series.parquet cannot be read"),
    ],
)
def test_another_layout_is_refused(tmp_path, table, words):
    with pytest.raises(IntegrityError, match=words):
        list(ParquetSeries().read(written(tmp_path, table)))


def test_what_is_no_parquet_is_refused(tmp_path):
    path = tmp_path / "series.parquet"
    path.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(IntegrityError, match=r"series\.parquet cannot be read"):
        list(ParquetSeries().read(path))

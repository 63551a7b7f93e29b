"""`series.parquet`: equal content, equal bytes; the encodings that make it small."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.contracts.canonical import canonical_json
from shared.errors import InvalidInputError
from svc_ingest.sources.base import Reading, series_schema
from svc_ingest.sources.writer import group_rows, write_series

ROWS = 300_000


def reading(cuts: list[int], *, fail: bool = False) -> Reading:
    """The same series in batches that end at the given rows."""
    rng = np.random.default_rng(0)
    times = np.arange(ROWS) * 10
    values = {"noise": rng.normal(size=ROWS), "step": np.arange(ROWS) % 7 / 4}

    def batches() -> Generator[Any]:
        for start, stop in zip([0, *cuts], [*cuts, ROWS], strict=True):
            columns = [pa.array(times[start:stop]), *(pa.array(column[start:stop]) for column in values.values())]
            yield pa.record_batch(columns, schema=series_schema("index", tuple(values)))
        if fail:
            raise InvalidInputError.of("file", "line 9: wrong")

    return Reading(time="index", channels=tuple(values), batches=batches())


def test_batches_leave_no_trace_in_the_bytes(tmp_path: Path) -> None:
    written = set()
    for number, cuts in enumerate([[], [1], [100_000, 262_144, 262_145], list(range(999, ROWS, 999))]):
        path = tmp_path / f"{number}.parquet"
        facts = write_series(reading(cuts), path)
        written.add((path.read_bytes(), canonical_json(facts.to_meta())))
    assert len(written) == 1


def test_what_the_file_looks_like(tmp_path: Path) -> None:
    path = tmp_path / "series.parquet"
    write_series(reading([]), path)
    file = pq.ParquetFile(path)
    assert file.num_row_groups == 2
    assert file.metadata.row_group(0).num_rows == group_rows(2) == 2**18
    time, noise, step = (file.metadata.row_group(0).column(i) for i in range(3))
    assert "DELTA_BINARY_PACKED" in time.encodings
    assert "BYTE_STREAM_SPLIT" in noise.encodings
    assert "RLE_DICTIONARY" in step.encodings
    assert {column.compression for column in (time, noise, step)} == {"ZSTD"}
    assert not file.schema_arrow.field("time").nullable


def test_the_meta_of_the_manifest(tmp_path: Path) -> None:
    assert write_series(reading([]), tmp_path / "x").to_meta() == {
        "rows": ROWS,
        "channels": [{"name": "noise"}, {"name": "step"}],
        "time": "index",
        "start": 0,
        "end": (ROWS - 1) * 10,
        "sampling": {"median_step": 10, "gaps": 0, "irregular": False},
    }


def test_times_in_utc_survive_the_file(tmp_path: Path) -> None:
    times = pa.array([-1, 0, 2**62], pa.timestamp("ns", tz="UTC"))
    batch = pa.record_batch([times, pa.array([None, -0.0, 5e-324])], schema=series_schema("utc", ("a",)))
    write_series(Reading(time="utc", channels=("a",), batches=(b for b in [batch])), tmp_path / "x")
    table = pq.read_table(tmp_path / "x")
    assert table.schema.field("time").type == pa.timestamp("ns", tz="UTC")
    assert table["time"].cast(pa.int64()).to_pylist() == [-1, 0, 2**62]
    assert str(table["a"].to_pylist()) == "[None, -0.0, 5e-324]"


def test_a_failed_reading_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="line 9"):
        write_series(reading([1000], fail=True), tmp_path / "x")
    assert not list(tmp_path.iterdir())


def test_a_series_has_rows(tmp_path: Path) -> None:
    nothing: list[Any] = []
    with pytest.raises(InvalidInputError, match="no row of data"):
        write_series(Reading(time="utc", channels=("a",), batches=(b for b in nothing)), tmp_path / "x")


@pytest.mark.parametrize(("channels", "rows"), [(1, 2**18), (100, 20763), (4096, 1024)])
def test_row_groups_depend_on_the_number_of_channels_alone(channels: int, rows: int) -> None:
    assert group_rows(channels) == rows

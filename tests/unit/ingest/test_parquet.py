"""Parquet files of all types a series may come in, and their mistakes by row, the first being row 0."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.errors import InvalidInputError
from svc_ingest.domain.read_options import read_options
from svc_ingest.sources.base import find_source
from svc_ingest.sources.series import make_series

Ingest = Callable[..., Any]
Refused = Callable[..., str]

SECOND = 10**9
START = 1_700_000_000


def table(times: Any, values: Any = (1.0, 2.0)) -> pa.Table:
    return pa.table({"time": times, "a": values})


@pytest.mark.parametrize(
    ("times", "options"),
    [
        (pa.array([START, START + 1], pa.timestamp("s")), {}),
        (
            pa.array([START * 1000, START * 1000 + 1000], pa.timestamp("ms", tz="Asia/Tokyo")),
            {"timezone": "Europe/Berlin"},
        ),
        (pa.array([START * 10**6, (START + 1) * 10**6], pa.timestamp("us")), {"time_format": "iso8601"}),
        (pa.array([START * SECOND, (START + 1) * SECOND], pa.timestamp("ns")), {}),
        (pa.array([START, START + 1], pa.int64()), {"time_format": "s"}),
        (pa.array([START, START + 1], pa.uint32()), {"time_format": "s"}),
        (pa.array([START, START + 1], pa.float64()), {"time_format": "s"}),
        (pa.array([Decimal(f"{START}.0"), Decimal(f"{START + 1}.0")]), {"time_format": "s"}),
        (pa.array(["2023-11-14T22:13:20Z", "2023-11-15T06:13:21+08:00"]), {}),
        (pa.array(["2023-11-14T22:13:20", "2023-11-14T22:13:21"]).dictionary_encode(), {}),
        (pa.array(["2023-11-15 06:13:20", "2023-11-15 06:13:21"]), {"timezone": "Asia/Shanghai"}),
        (pa.array([START + 8 * 3600, START + 8 * 3600 + 1], pa.timestamp("s")), {"timezone": "Asia/Shanghai"}),
    ],
)
def test_times_of_every_type(ingest: Ingest, times: Any, options: dict[str, str]) -> None:
    made = ingest(table(times), **options)
    assert made.columns()["time"] == [START * SECOND, (START + 1) * SECOND]
    assert made.facts.time == "utc"


def test_dates_and_indices(ingest: Ingest) -> None:
    assert ingest(table([date(1970, 1, 2), date(1970, 1, 3)])).facts.end == 2 * 86400 * SECOND
    assert ingest(table([7, 9]), time_format="index").columns()["time"] == [7, 9]


def test_fractions_of_seconds_in_floats(ingest: Ingest) -> None:
    times = ingest(table([0.25, 1.5]), time_format="s").columns()["time"]
    assert times == [SECOND // 4, 3 * SECOND // 2]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1, None], pa.int8()),
        pa.array([1, None], pa.uint64()),
        pa.array([1.0, None], pa.float32()),
        pa.array([Decimal("1.00"), None]),
    ],
)
def test_values_of_every_type(ingest: Ingest, values: Any) -> None:
    assert ingest(table([1, 2], values), time_format="index").columns()["a"] == [1.0, None]


def test_csv_and_parquet_make_the_same_bytes(ingest: Ingest) -> None:
    text = "time,a\n2024-01-01,1.5\n2024-01-02,\n"
    same = table(pa.array([date(2024, 1, 1), date(2024, 1, 2)]), [1.5, None])
    assert ingest(text).path.read_bytes() == ingest(same).path.read_bytes()


@pytest.mark.parametrize(
    ("times", "values", "options", "says"),
    [
        ([], [], {"time_format": "index"}, "file: there is no row of data"),
        ([1, 2], [1.0, 2.0], {}, "options.time_format: the time column 'time' holds numbers, the first is 1"),
        ([1.5, 2], [1.0, 2.0], {}, "options.time_format: the time column 'time' holds numbers, the first is 1.5"),
        ([1.5, 2], [1.0, 2.0], {"time_format": "index"}, "holds numbers with fractions, so it is one of: auto, s, ms"),
        ([1, 2], [1.0, 2.0], {"time_format": "iso8601"}, "holds whole numbers, so it is one of: auto, s"),
        ([date(2024, 1, 1)], [1.0], {"time_format": "ms"}, "holds date32[day], so it is one of: auto, iso8601"),
        ([True, False], [1.0, 2.0], {}, "options.time_column: column 'time' holds bool, which is no time"),
        ([1, None], [1.0, 2.0], {"time_format": "s"}, "file: row 1: there is no time"),
        ([1.0, float("nan")], [1.0, 2.0], {"time_format": "s"}, "file: row 1: there is no time"),
        ([1, 10**11], [1.0, 2.0], {"time_format": "s"}, "file: row 1: the time is outside the years 1677 to 2262"),
        ([1.0, 1e300], [1.0, 2.0], {"time_format": "s"}, "file: row 1: the time is outside"),
        (pa.array([1, 2**64 - 1], pa.uint64()), [1.0, 2.0], {"time_format": "ns"}, "file: row 1: the time is outside"),
        (pa.array([0, 10**10], pa.timestamp("s")), [1.0, 2.0], {}, "file: row 1: the time is outside"),
        ([3, 3], [1.0, 2.0], {"time_format": "index"}, "file: row 1: the time 3 is there twice"),
        ([3, 2], [1.0, 2.0], {"time_format": "index"}, "file: row 1: the time 2 comes after 3; sort the rows"),
        (["2024-01-01", "soon"], [1.0, 2.0], {}, "file: row 1: 'soon' is not an ISO 8601 time"),
        (["2024-01-01T00Z", "2024-01-02T00"], [1.0, 2.0], {}, "file: row 1: the time '2024-01-02T00' has no offset"),
        ([1, 2], [1.0, float("nan")], {"time_format": "s"}, "file: row 1, column 'a': NaN is not a number"),
        ([1, 2], [1.0, float("inf")], {"time_format": "s"}, "file: row 1, column 'a': the value is infinite"),
        ([1, 2], [1, 2**53 + 1], {"time_format": "s"}, "file: row 1, column 'a': the whole number is too large"),
        ([1, 2], ["x", "y"], {"time_format": "s"}, "file: column 'a' holds string, not numbers; if it is no channel"),
        ([1, 2], [True, False], {"time_format": "s"}, "file: column 'a' holds bool, not numbers"),
        ([1, 2], [[1.0], [2.0]], {"time_format": "s"}, "file: column 'a' holds list"),
        ([1, 2], [None, None], {"time_format": "s"}, "file: no row has a value for 'a'"),
    ],
)
def test_mistakes(refused: Refused, times: Any, values: Any, options: dict[str, str], says: str) -> None:
    assert says in refused(table(times, values), **options)


def test_clock_changes(refused: Refused) -> None:
    twice = pa.array([np.datetime64("2024-10-27T02:30", "ns")])
    assert "row 0: 2024-10-27T02:30:00 happens twice" in refused(table(twice, [1.0]), timezone="Europe/Berlin")


def test_nan_is_missing_where_asked(ingest: Ingest) -> None:
    made = ingest(table([1, 2], [1.0, float("nan")]), time_format="index", missing="keep")
    assert made.columns()["a"] == [1.0, None]


def test_rows_are_counted_over_batches(ingest: Ingest, refused: Refused) -> None:
    times, values = np.arange(300_000), np.zeros(300_000)
    assert ingest(table(times, values), time_format="index").facts.rows == 300_000
    values[250_000] = np.inf
    assert "row 250000, column 'a'" in refused(table(times, values), time_format="index")
    times[200_000] = 5
    assert "row 200000: the time 5 comes after 199999" in refused(table(times, values), time_format="index")


def test_a_column_with_a_point_in_its_name(ingest: Ingest) -> None:
    dotted = pa.table({"time": [1, 2], "a": [1.0, 2.0], "a.b": [3.0, 4.0]})
    assert ingest(dotted, time_format="index", channels=["a.b"]).columns()["a.b"] == [3.0, 4.0]
    assert ingest(dotted, time_format="index", channels=["a"]).columns()["a"] == [1.0, 2.0]


@pytest.mark.parametrize("damage", ["text", "short", "flipped", "empty"])
def test_damaged_files(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "x.parquet"
    rng = np.random.default_rng(0)
    pq.write_table(table(np.arange(50_000), rng.normal(size=50_000)), path, compression="zstd")
    data = path.read_bytes()
    flipped = data[:1000] + bytes(len(data) - 3000) + data[-2000:]
    path.write_bytes({"text": b"time,a\n1,2\n", "short": data[:-100], "flipped": flipped, "empty": b""}[damage])
    with pytest.raises(InvalidInputError, match="no readable Parquet file"):
        make_series(find_source("parquet"), path, read_options(time_format="index"), tmp_path)
    assert [item.name for item in tmp_path.iterdir()] == ["x.parquet"]


def test_a_missing_disk_file_is_not_the_callers_mistake(tmp_path: Path) -> None:
    for name in ("csv", "parquet"):
        with pytest.raises(FileNotFoundError):
            make_series(find_source(name), tmp_path / "gone", read_options(), tmp_path)

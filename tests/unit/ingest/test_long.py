"""The long layout: the same series as the wide one, in any order in which time grows within a channel."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from svc_ingest.sources import merge
from svc_ingest.sources.spill import Spill

Ingest = Callable[..., Any]
Refused = Callable[..., str]

VALUES: dict[str, dict[int, float | None]] = {
    "a": {1: 1.0, 2: 2.0, 5: 3.5},
    "泵": {1: -1.0, 3: None, 5: 7.0},
    "c": {4: 0.25},
}
WIDE = "time,a,泵,c\n1,1,-1,\n2,2,,\n3,,,\n4,,,0.25\n5,3.5,7,\n"
ROWS = [(time, name, value) for name, values in VALUES.items() for time, value in values.items()]


def long_csv(rows: list[tuple[int, str, float | None]]) -> str:
    return "time,channel,value\n" + "".join(f"{t},{c},{'' if v is None else v}\n" for t, c, v in rows)


def interleaved(seed: int) -> list[tuple[int, str, float | None]]:
    """Rows in a random order that keeps each channel's own, the channels' first rows coming in the same order."""
    picker = random.Random(seed)
    queues = {name: [row for row in ROWS if row[1] == name] for name in VALUES}
    order = [queues[name].pop(0) for name in VALUES]
    while any(queues.values()):
        order.append(queues[picker.choice([name for name in queues if queues[name]])].pop(0))
    return order


@pytest.mark.parametrize("seed", range(5))
def test_long_equals_wide_to_the_byte(ingest: Ingest, small_blocks: None, seed: int) -> None:
    wide = ingest(WIDE, time_format="index")
    assert wide.columns()["泵"] == [-1.0, None, None, None, 7.0]
    for rows in (ROWS, interleaved(seed)):
        long = ingest(long_csv(rows), time_format="index")
        assert long.path.read_bytes() == wide.path.read_bytes()
        assert long.facts == wide.facts


def test_sorted_by_time(ingest: Ingest) -> None:
    rows = sorted(ROWS, key=lambda row: (row[0], list(VALUES).index(row[1])))
    assert ingest(long_csv(rows), time_format="index").columns() == {
        "time": [1, 2, 3, 4, 5],
        "a": [1.0, 2.0, None, None, 3.5],
        "泵": [-1.0, None, None, None, 7.0],
        "c": [None, None, None, 0.25, None],
    }


def test_parquet_with_a_dictionary_of_names(ingest: Ingest) -> None:
    times, names, values = zip(*ROWS, strict=True)
    table = pa.table(
        {
            "timestamp": pa.array(times, pa.int32()),
            "sensor": pa.array(names).dictionary_encode(),
            "reading": pa.array(values, pa.float32()),
            "unit": ["m"] * len(ROWS),
        }
    )
    made = ingest(table, time_format="index", channel_column="sensor", value_column="reading")
    assert made.path.read_bytes() == ingest(WIDE, time_format="index").path.read_bytes()


def test_chosen_channels_are_read_alone(ingest: Ingest) -> None:
    rows = [*ROWS, (1, "twice", 1.0), (1, "twice", 1.0)]
    made = ingest(long_csv(rows), time_format="index", channels=["c", "a"])
    assert made.columns() == {"time": [1, 2, 4, 5], "a": [1.0, 2.0, None, 3.5], "c": [None, None, 0.25, None]}


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (
            [(1, "a", 1), (1, "b", 2), (1, "a", 3)],
            "line 4: the time 1 is there twice; keep one row a time (channel 'a')",
        ),
        (
            [(2, "a", 1), (1, "b", 2), (1, "a", 3)],
            "line 4: the time 1 comes after 2; sort the rows by time (channel 'a')",
        ),
        ([(1, "a", 1), (2, "", 2)], "line 3, column 'channel': no channel is named"),
        ([(1, "a", 1), (2, "a", "x")], "line 3, column 'value': 'x' is not a number"),
        ([(1, "a", 1), (2, "a", "NaN")], "line 3, column 'value': NaN is not a number"),
        ([(1, "time", 1)], "a channel may not be called 'time'"),
        ([(1, "a", None), (2, "a", None)], "no row has a value for 'a'"),
        ([(i, str(i), 1) for i in range(4097)], "4097 channels are more than 4096"),
    ],
)
def test_mistakes(refused: Refused, rows: list[Any], says: str) -> None:
    assert says in refused(long_csv(rows), time_format="index")


def test_mistakes_in_later_blocks(small_blocks: None, refused: Refused) -> None:
    rows: list[Any] = [(t, c, 1.0) for c in "ab" for t in range(40)]
    rows[70] = (5, "b", 1.0)
    assert "line 72: the time 5 comes after 29" in refused(long_csv(rows), time_format="index")


def test_a_channel_that_no_row_names(refused: Refused) -> None:
    message = refused(long_csv(ROWS), time_format="index", channels=["z"])
    assert message == "options.channels: no row of the file names the channel 'z'"


@pytest.mark.parametrize("held", [1, 3, 50, 10**6])
def test_merging_in_small_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int) -> None:
    monkeypatch.setattr(merge, "HELD_ROWS", held)
    monkeypatch.setattr(merge, "BATCH_CELLS", held)
    monkeypatch.setattr(merge, "MIN_ROWS", 1)
    rng = np.random.default_rng(held)
    spill, expected = Spill(tmp_path), {}
    pieces = []
    for code in range(4):
        times = np.unique(rng.integers(-300, 300, 120 * code + 1))
        expected[code] = dict(zip(times.tolist(), rng.normal(size=times.size).tolist(), strict=True))
        pieces.append(np.array_split(times, 7))
    for parts in zip(*pieces, strict=True):
        codes = np.repeat(np.arange(4, dtype=np.int32), [part.size for part in parts])
        times = np.concatenate(parts)
        spill.add(codes, times, np.array([expected[c][t] for c, t in zip(codes.tolist(), times.tolist(), strict=True)]))
    got = list(merge.merged(spill, 4))
    spill.close()
    times = np.concatenate([batch for batch, _ in got])
    assert times.tolist() == sorted(set(itertools.chain(*expected.values())))
    for code in range(4):
        column = np.concatenate([columns[code] for _, columns in got])
        present = ~np.isnan(column)
        assert dict(zip(times[present].tolist(), column[present].tolist(), strict=True)) == expected[code]

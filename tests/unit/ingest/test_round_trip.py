"""Whatever finite numbers and times go in as text come out as they were, to the last bit."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

names = st.lists(
    st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=8).filter(
        lambda name: name.casefold() not in {"time", "channel", "value"}
    ),
    min_size=1,
    max_size=4,
    unique=True,
)
values = st.none() | st.floats(allow_nan=False, allow_infinity=False)
times = st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=25, unique=True).map(sorted)


@st.composite
def series(draw: st.DrawFn) -> dict[str, list[Any]]:
    rows = draw(times)
    columns = {name: draw(st.lists(values, min_size=len(rows), max_size=len(rows))) for name in draw(names)}
    for column in columns.values():
        column[0] = 0.0 if column[0] is None else column[0]
    return {"time": rows, **columns}


def cell(value: Any) -> str:
    return "" if value is None else repr(value)


def wide(data: dict[str, list[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(data)
    writer.writerows([cell(value) for value in row] for row in zip(*data.values(), strict=True))
    return text.getvalue()


def long(data: dict[str, list[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["time", "channel", "value"])
    for name, column in data.items():
        if name != "time":
            writer.writerows([time, name, cell(value)] for time, value in zip(data["time"], column, strict=True))
    return text.getvalue()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=series())
def test_values_come_back_and_both_layouts_agree(ingest: Callable[..., Any], data: dict[str, list[Any]]) -> None:
    made = ingest(wide(data), time_column="time", time_format="index", layout="wide")
    assert str(made.columns()) == str(data)
    assert (made.facts.rows, made.facts.start, made.facts.end) == (len(data["time"]), data["time"][0], data["time"][-1])
    same = ingest(long(data), time_format="index", layout="long")
    assert same.path.read_bytes() == made.path.read_bytes()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(times=st.lists(st.datetimes(timezones=st.timezones()), min_size=1, max_size=10))
def test_any_moment_with_an_offset_is_read_exactly(ingest: Callable[..., Any], times: list[Any]) -> None:
    inside = sorted({t for t in times if 1700 < t.year < 2200 and t.utcoffset().total_seconds() % 60 == 0})
    if not inside:
        return
    text = "time,a\n" + "".join(f"{t.isoformat()},1\n" for t in inside)
    expected = [round(t.timestamp()) * 10**9 for t in (t.replace(microsecond=0) for t in inside)]
    got = ingest(text).columns()["time"]
    assert [time - t.microsecond * 1000 for time, t in zip(got, inside, strict=True)] == expected

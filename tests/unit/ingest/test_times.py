"""What written times mean: numbers by choice, text by its offset or a zone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

START = 1_700_000_000


def csv(*times: object) -> str:
    return "time,a\n" + "".join(f"{time},1\n" for time in times)


@pytest.mark.parametrize(
    ("unit", "times", "nanoseconds"),
    [
        ("s", (START, START + 1), [START * 10**9, (START + 1) * 10**9]),
        ("ms", (START * 1000, START * 1000 + 1), [START * 10**9, START * 10**9 + 10**6]),
        ("us", (-1, 0), [-1000, 0]),
        ("ns", (-(2**63), 2**63 - 1), [-(2**63), 2**63 - 1]),
        ("index", (-(2**63), 2**63 - 1), [-(2**63), 2**63 - 1]),
        ("s", ("1700000000", "1700000000.000000001"), [START * 10**9, START * 10**9 + 1]),
        ("ms", ("0.5", "1", "1.7e1"), [500_000, 10**6, 17 * 10**6]),
    ],
)
def test_epochs_and_indices_are_exact(
    ingest: Callable[..., Any], unit: str, times: tuple[object, ...], nanoseconds: list[int]
) -> None:
    made = ingest(csv(*times), time_format=unit)
    assert made.columns()["time"] == nanoseconds
    assert made.facts.time == ("index" if unit == "index" else "utc")


@pytest.mark.parametrize("first", ["0", "1700000000", "1700000000.5", " 7 ", "1e9"])
def test_auto_refuses_numbers_and_says_what_each_choice_makes_of_them(refused: Callable[..., str], first: str) -> None:
    message = refused(csv(first))
    assert message.startswith("options.time_format: the time column 'time' holds numbers")
    for unit in ("s (", "ms (", "us (", "ns (", "index ("):
        assert unit in message


def test_the_choices_show_the_first_time_in_each_unit(refused: Callable[..., str]) -> None:
    message = refused(csv(1_700_000_000_123))
    assert "s (outside the years 1677 to 2262)" in message
    assert "ms (2023-11-14T22:13:20.123Z)" in message
    assert "us (1970-01-20T16:13:20.000123Z)" in message
    assert "index (no clock, starts at 1700000000123)" in message


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-02", "2024-01-02T00:00:00+00:00"),
        ("2024-01-02 03:04", "2024-01-02T03:04:00+00:00"),
        ("2024-01-02T03:04:05", "2024-01-02T03:04:05+00:00"),
        ("2024-01-02T03:04:05.678Z", "2024-01-02T03:04:05.678000+00:00"),
        ("2024-01-02T03:04:05+08:00", "2024-01-01T19:04:05+00:00"),
        ("2024-01-02 03:04:05-0530", "2024-01-02T08:34:05+00:00"),
    ],
)
def test_iso_8601(ingest: Callable[..., Any], text: str, moment: str) -> None:
    (time,) = ingest(csv(text)).columns()["time"]
    assert time == round(datetime.fromisoformat(moment).timestamp() * 1000) * 10**6


def test_nanoseconds_of_text_are_kept(ingest: Callable[..., Any]) -> None:
    times = ingest(csv("2024-01-01T00:00:00.123456788Z", "2024-01-01T00:00:00.123456789Z")).columns()["time"]
    assert [time % 10**9 for time in times] == [123456788, 123456789]


def test_offsets_may_differ_from_row_to_row(ingest: Callable[..., Any]) -> None:
    times = ingest(csv("2024-10-27T02:30:00+02:00", "2024-10-27T02:30:00+01:00", "2024-10-27T02:00:00Z")).columns()
    assert [b - a for a, b in zip(times["time"], times["time"][1:], strict=False)] == [3600 * 10**9, 1800 * 10**9]


def test_wall_clock_times_are_of_the_zone_and_of_utc_by_default(ingest: Callable[..., Any]) -> None:
    text = csv("2024-01-01T00:00:00", "2024-07-01T00:00:00")
    for zone in ("UTC", "Asia/Shanghai", "Europe/Berlin", "Asia/Kathmandu"):
        expected = [datetime(2024, month, 1, tzinfo=ZoneInfo(zone)).timestamp() * 10**9 for month in (1, 7)]
        assert ingest(text, timezone=zone).columns()["time"] == expected
    assert ingest(text).columns() == ingest(text, timezone="UTC").columns()


def test_an_hour_that_happens_twice_is_refused(refused: Callable[..., str]) -> None:
    text = csv("2024-10-27T01:59:59", "2024-10-27T02:00:00", "2024-10-27T03:00:00")
    message = refused(text, timezone="Europe/Berlin")
    assert message.startswith("file: line 3: 2024-10-27T02:00:00 happens twice (clocks go back) in Europe/Berlin")


def test_an_hour_that_never_happens_is_refused(refused: Callable[..., str]) -> None:
    text = csv("2024-03-31T01:59:59", "2024-03-31T02:30:00", "2024-03-31T03:00:00")
    message = refused(text, timezone="Europe/Berlin")
    assert message.startswith("file: line 3: 2024-03-31T02:30:00 never happens (clocks go forward) in Europe/Berlin")


def test_clock_changes_leave_other_hours_alone(ingest: Callable[..., Any]) -> None:
    text = csv("2024-03-31T01:00:00", "2024-03-31T03:00:00")
    before, after = ingest(text, timezone="Europe/Berlin").columns()["time"]
    assert after - before == 3600 * 10**9


@pytest.mark.parametrize(
    ("times", "says"),
    [
        (("2024-01-01", "yesterday"), "line 3, column 'time': 'yesterday' is not an ISO 8601 time"),
        (("2024-01-01", "01/02/2024"), "line 3, column 'time': '01/02/2024' is not an ISO 8601 time"),
        (("2024-01-01", "2024-02-30"), "line 3, column 'time': '2024-02-30' is no time that nanoseconds can hold"),
        (("2024-01-01", "2300-01-01"), "line 3, column 'time': '2300-01-01' is no time"),
        (("2024-01-01T00:00:00", "2024-01-01T00:00:01Z"), "has an offset from UTC while the first one has no offset"),
        (("2024-01-01T00:00:00Z", "2024-01-01T00:00:01"), "has no offset from UTC while the first one has an offset"),
        (("2024-01-01 ",), "line 2, column 'time': the time '2024-01-01 ' has spaces around it"),
        (('"2024-01-01T00:00:00,5"',), "line 2, column 'time': the time '2024-01-01T00:00:00,5' has a decimal comma"),
        (("2024-01-01", ""), "line 3: there is no time"),
        (("2024-01-01", 5), "line 3, column 'time': '5' is not an ISO 8601 time"),
    ],
)
def test_wrong_text(refused: Callable[..., str], times: tuple[object, ...], says: str) -> None:
    assert says in refused(csv(*times))


@pytest.mark.parametrize(
    ("unit", "times", "says"),
    [
        ("s", (1, "x"), "line 3, column 'time': 'x' is not a number, as the time_format s asks"),
        ("index", (1, "1.5"), "line 3, column 'time': '1.5' is not a whole number, as the time_format index asks"),
        ("ns", (1, "2.5"), "line 3, column 'time': '2.5' is not a whole number"),
        ("index", (1, 2**63), "line 3, column 'time': the time is outside"),
        ("s", (1, 1_700_000_000_000), "line 3: the time is outside the years 1677 to 2262"),
        ("ms", (1, 10**30), "line 3: the time is outside"),
        ("s", ("0.0000000001",), "line 2, column 'time': '0.0000000001' has more digits than nanoseconds can hold"),
        (
            "s",
            ("nan",),
            "line 2, column 'time': 'nan' has more digits than nanoseconds can hold, or is no finite number",
        ),
        ("iso8601", (5,), "line 2, column 'time': '5' is not an ISO 8601 time"),
    ],
)
def test_wrong_numbers(refused: Callable[..., str], unit: str, times: tuple[object, ...], says: str) -> None:
    assert says in refused(csv(*times), time_format=unit)

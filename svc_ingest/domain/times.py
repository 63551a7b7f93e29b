"""What a written time can mean, and how times are shown to people."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import polars as pl

from shared.contracts.series import TIME_INDEX, TIME_UTC
from shared.errors import InvalidInputError
from svc_ingest.domain.options import TimeFormat

Int64s = npt.NDArray[np.int64]

INT64_MAX = 2**63 - 1
# Decimal digits between the unit and the nanosecond.
EPOCH_DIGITS = {
    TimeFormat.SECONDS: 9,
    TimeFormat.MILLISECONDS: 6,
    TimeFormat.MICROSECONDS: 3,
    TimeFormat.NANOSECONDS: 0,
}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


def time_kind(time_format: TimeFormat) -> str:
    """`utc` or `index`, as a manifest's meta says it."""
    return TIME_INDEX if time_format is TimeFormat.INDEX else TIME_UTC


def choose_format(wanted: TimeFormat, column: str, first: str) -> TimeFormat:
    """The format of a column whose first time is written `first`.

    Raises:
        InvalidInputError: nothing was chosen and the first time is a number, which could mean several things;
            the message says what each choice would make of it.
    """
    if wanted is not TimeFormat.AUTO:
        return wanted
    if not _NUMBER.fullmatch(first.strip()):
        return TimeFormat.ISO8601
    number = Decimal(first.strip())
    choices = [f"{unit} ({_meaning(number, digits)})" for unit, digits in EPOCH_DIGITS.items()]
    whole = number == number.to_integral_value()
    index = f"{TimeFormat.INDEX} (no clock, {'starts at ' + first.strip() if whole else 'but needs whole numbers'})"
    reason = f"the time column {column!r} holds numbers, the first is {first.strip()}; say what they are: "
    raise InvalidInputError.of("options.time_format", reason + ", ".join([*choices, index]))


def _meaning(number: Decimal, digits: int) -> str:
    nanoseconds = number.scaleb(digits)
    if abs(nanoseconds) > INT64_MAX:
        return "outside the years 1677 to 2262"
    return show_time(int(nanoseconds), TIME_UTC)


def show_time(time: int, kind: str) -> str:
    """A time as people write it: ISO 8601 with as many digits as it needs, or the index."""
    if kind == TIME_INDEX:
        return str(time)
    text = str(np.datetime64(time, "ns"))
    seconds, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    return f"{seconds}.{fraction}Z" if fraction else f"{seconds}Z"


def to_utc(local: Int64s, zone: str) -> tuple[Int64s, int | None]:
    """Wall-clock times of a zone, in ns as if they were UTC, to UTC ns, shape [n].

    The second value is the first place whose wall-clock time happens twice or never there, or None.
    """
    if zone == "UTC":
        return local, None
    naive = pl.Series(local).cast(pl.Datetime("ns"))
    aware = naive.dt.replace_time_zone(zone, ambiguous="null", non_existent="null").to_physical()
    wrong = aware.is_null().arg_max() if aware.null_count() else None
    return aware.fill_null(0).to_numpy(), wrong


def explain_local(local: int, zone: str) -> str:
    """Why a wall-clock time (ns as if UTC) that `to_utc` refused is no single moment."""
    moment = datetime.fromtimestamp(local // 10**9, tz=UTC).replace(tzinfo=ZoneInfo(zone))
    first, second = moment.utcoffset(), moment.replace(fold=1).utcoffset()
    shown = show_time(local, TIME_UTC).removesuffix("Z")
    twice = first is not None and second is not None and first > second
    why = "happens twice (clocks go back)" if twice else "never happens (clocks go forward)"
    return f"{shown} {why} in {zone}; write times with their offset from UTC"

"""Months of a time axis, which may go on from file to file."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import cftime
import numpy as np
from numpy.typing import NDArray

from shared.fields.months import count_of, month_of, month_text
from svc_ingest.sources.field.opening import Part

CALENDARS = {"standard", "gregorian", "proleptic_gregorian", "noleap", "365_day"}
# Without `align_on`, xarray refuses calendars of 360 days; for others it says nothing.
CONVERT = "convert it, with xarray by convert_calendar('standard', align_on='date')"
MONTHS_SINCE = re.compile(r"(?i)months? since (?P<start>.+)")
EPOCH = "days since 1900-01-01"
# Of a month's times; a month with fewer is not observed.
LEAST_OBSERVED = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Times:
    """The times of one file.

    Args:
        part: the file.
        name: its time axis.
        days: float64 [rows]: days since 1900-01-01 in the file's calendar; ascending.
        months: int64 [rows]: the month of each, as `count_of` counts.
        is_noleap: the calendar has no 29th of February.
    """

    part: Part
    name: str
    days: NDArray[np.float64]
    months: NDArray[np.int64]
    is_noleap: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Months:
    """The months of a time axis.

    Args:
        of_row: int64 [rows]: the month of each, as `count_of` counts; ascending.
        observed: the months that have enough rows, ascending.
        is_monthly: each month has one row.
    """

    of_row: NDArray[np.int64]
    observed: NDArray[np.int64]
    is_monthly: bool

    @property
    def first(self) -> int:
        """The first month."""
        return int(self.observed[0])

    @property
    def last(self) -> int:
        """The last month."""
        return int(self.observed[-1])

    @property
    def gaps(self) -> list[str]:
        """Months between the first and the last that are not observed."""
        missing = sorted(set(range(self.first, self.last + 1)) - set(self.observed.tolist()))
        return [month_text(month_of(count)) for count in missing]


def times_of(part: Part, name: str) -> Times:
    """The times of the axis `name`.

    Months since a day, whole or half ones as archives of monthly means count them, are the months they lie in.

    Raises:
        InvalidInputError: they cannot be read, or do not ascend.
    """
    array = part.dataset[name]
    units, calendar = str(array.attrs.get("units", "")), str(array.attrs.get("calendar", "standard")).lower()
    if " since " not in units:
        raise part.wrong(f"the time has the units {units!r}; needed is such as 'days since 1900-01-01'", name)
    # Months are the same in every calendar.
    counts_months = MONTHS_SINCE.fullmatch(units)
    if counts_months:
        calendar = "standard"
    if calendar not in CALENDARS:
        raise part.wrong(f"the calendar {calendar!r} is refused: {CONVERT}", name)
    values = np.asarray(array.values, dtype=np.float64)
    if not np.isfinite(values).all():
        raise part.wrong("holds a missing time", name)
    try:
        if counts_months:
            dates = _dates_of_months(part, name, values, counts_months["start"])
        else:
            dates = cftime.num2date(values, units, calendar, only_use_cftime_datetimes=True)
    except (ValueError, OverflowError) as error:
        reason = f"the units {units!r} cannot be read as times ({error}); a climatology without years is no field"
        raise part.wrong(reason, name) from None
    if not all(1 <= one.year <= 9999 for one in dates):
        raise part.wrong("times lie outside the years 1 to 9999: a climatology without years is no field", name)
    days = np.asarray(cftime.date2num(dates, EPOCH, calendar), dtype=np.float64)
    if (np.diff(days) <= 0).any():
        number = int(np.argmax(np.diff(days) <= 0)) + 2
        reason = f"time {number} of {len(days)} is not later than the one before it: sort the times, each once"
        raise part.wrong(reason, name)
    months = np.array([one.year * 12 + one.month - 1 for one in dates], dtype=np.int64)
    return Times(part=part, name=name, days=days, months=months, is_noleap=calendar in {"noleap", "365_day"})


def _dates_of_months(part: Part, name: str, values: NDArray[np.float64], start: str) -> list[cftime.datetime]:
    """The months' first days, and the 16th of those that are given by their middle, counted from the first of one.

    Raises:
        InvalidInputError: a time is neither, or is half a month from another day than the first.
        ValueError, OverflowError: it is no time, or far from ours.
    """
    uneven = values[values % 0.5 != 0]
    if len(uneven):
        raise part.wrong(f"{uneven[0]:g} months since {start} is neither a whole month nor a half: give days", name)
    origin = cftime.num2date(0, f"days since {start}", "standard", only_use_cftime_datetimes=True)
    halved = values[values % 1 != 0]
    if len(halved) and origin.day != 1:
        reason = f"{halved[0]:g} months since {start} is no day of a month, as that is not the first of one: give days"
        raise part.wrong(reason, name)
    first = count_of(date(origin.year, origin.month, 1))
    halves = [int(value * 2) for value in values]
    months = [month_of(first + half // 2) for half in halves]
    return [
        cftime.datetime(month.year, month.month, 16 if half % 2 else 1, calendar="standard")
        for month, half in zip(months, halves, strict=True)
    ]


def months_of(files: Sequence[Times]) -> Months:
    """The months of files that follow each other.

    Raises:
        InvalidInputError: two files overlap, a month of monthly data comes twice, or no month is observed well enough.
    """
    for earlier, later in pairwise(files):
        _check_order(earlier, later)
    days, counts = (np.concatenate([getattr(one, field) for one in files]) for field in ("days", "months"))
    step = float(np.median(np.diff(days))) if len(days) > 1 else 30.0
    months, rows = np.unique(counts, return_counts=True)
    if step > 16:
        _check_each_once(files)
        return Months(of_row=counts, observed=months, is_monthly=True)
    lengths = np.array([monthrange(month_of(int(count)).year, month_of(int(count)).month)[1] for count in months])
    observed = months[rows * step >= LEAST_OBSERVED * lengths]
    if not len(observed):
        raise files[0].part.wrong("no month is observed for half of its days", files[0].name)
    return Months(of_row=counts, observed=observed, is_monthly=False)


def _check_order(earlier: Times, later: Times) -> None:
    if earlier.is_noleap != later.is_noleap:
        raise later.part.wrong(f"has another calendar than {earlier.part.name}: {CONVERT}", later.name)
    if later.days[0] <= earlier.days[-1]:
        begin, end = _text(later.months[0]), _text(earlier.months[-1])
        reason = f"begins in {begin}, and {earlier.part.name} goes up to {end}: leave out of one what both hold"
        raise later.part.wrong(reason, later.name)


def _check_each_once(files: Sequence[Times]) -> None:
    for one in files:
        months, rows = np.unique(one.months, return_counts=True)
        twice = [_text(count) for count in months[rows > 1]]
        if twice:
            raise one.part.wrong(f"these months come twice: {', '.join(twice[:5])}", one.name)
    for earlier, later in pairwise(files):
        if later.months[0] == earlier.months[-1]:
            reason = f"{earlier.part.name} holds the month {_text(later.months[0])} too: leave it out of one"
            raise later.part.wrong(reason, later.name)


def _text(count: int) -> str:
    return month_text(month_of(int(count)))

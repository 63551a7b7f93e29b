"""Months of a time axis."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass

import cftime
import numpy as np
from numpy.typing import NDArray

from shared.fields.months import month_of, month_text
from svc_ingest.sources.field.opening import Part

CALENDARS = {"standard", "gregorian", "proleptic_gregorian", "noleap", "365_day"}
# Of a month's times; a month with fewer is not observed.
LEAST_OBSERVED = 0.5


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


def months_of(part: Part, name: str) -> Months:
    """The months of the time axis `name`.

    Raises:
        InvalidInputError: the times cannot be read, do not ascend, or a month of monthly data comes twice.
    """
    days, counts = _read(part, name)
    if (np.diff(days) <= 0).any():
        row = int(np.argmax(np.diff(days) <= 0)) + 1
        raise part.wrong(f"row {row} is not later than the row before it: sort the times, each once", name)
    step = float(np.median(np.diff(days))) if len(days) > 1 else 30.0
    months, rows = np.unique(counts, return_counts=True)
    if step > 16:
        twice = [month_text(month_of(int(count))) for count in months[rows > 1]]
        if twice:
            raise part.wrong(f"these months come twice: {', '.join(twice[:5])}", name)
        return Months(of_row=counts, observed=months, is_monthly=True)
    lengths = np.array([monthrange(month_of(int(count)).year, month_of(int(count)).month)[1] for count in months])
    observed = months[rows * step >= LEAST_OBSERVED * lengths]
    if not len(observed):
        raise part.wrong("no month is observed for half of its days", name)
    return Months(of_row=counts, observed=observed, is_monthly=False)


def _read(part: Part, name: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Days from the first time on, and the month of each time."""
    array = part.dataset[name]
    units, calendar = str(array.attrs.get("units", "")), str(array.attrs.get("calendar", "standard")).lower()
    if " since " not in units:
        raise part.wrong(f"the time has the units {units!r}; needed is such as 'days since 1900-01-01'", name)
    if calendar not in CALENDARS:
        reason = f"the calendar {calendar!r} is refused: convert it, with xarray by convert_calendar('standard')"
        raise part.wrong(reason, name)
    values = np.asarray(array.values, dtype=np.float64)
    if not np.isfinite(values).all():
        raise part.wrong("holds a missing time", name)
    try:
        dates = cftime.num2date(values, units, calendar, only_use_cftime_datetimes=True)
    except (ValueError, OverflowError) as error:
        reason = f"the units {units!r} cannot be read as times ({error}); a climatology without years is no field"
        raise part.wrong(reason, name) from None
    if not all(1 <= one.year <= 9999 for one in dates):
        raise part.wrong("times lie outside the years 1 to 9999: a climatology without years is no field", name)
    days = np.array([(one - dates[0]).total_seconds() / 86400 for one in dates])
    return days, np.array([one.year * 12 + one.month - 1 for one in dates], dtype=np.int64)

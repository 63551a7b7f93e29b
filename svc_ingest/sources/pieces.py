"""A piece of a table as a format reads it, and how a fault in it is told with its place in the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.errors import InvalidInputError
from svc_ingest.domain.options import Missing
from svc_ingest.domain.times import Int64s, show_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """The first row of a piece with a certain kind of fault; `reason` follows the place in the message."""

    row: int
    reason: str
    column: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a piece begins: `line 17` of a text file (the header is line 1), `row 17` of a table (the first is 0)."""

    unit: str
    first: int

    def name(self, row: int) -> str:
        """How the piece's row is called in messages."""
        return f"{self.unit} {self.first + row}"

    def error(self, fault: Fault) -> InvalidInputError:
        """The error about a fault."""
        column = f", column {fault.column!r}" if fault.column else ""
        return InvalidInputError.of("file", f"{self.name(fault.row)}{column}: {fault.reason}")

    def raise_first(self, faults: Iterable[Fault | None]) -> None:
        """Raise the error about the fault that comes first in the file, if there is any."""
        found = [fault for fault in faults if fault is not None]
        if found:
            raise self.error(min(found, key=lambda fault: fault.row))


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some rows: times and the other columns that are needed, right up to the first of the `faults` found so far."""

    place: Place
    times: Int64s
    columns: Mapping[str, Any]
    faults: tuple[Fault, ...] = ()


def order_fault(times: Int64s, last: int | None, kind: str) -> Fault | None:
    """The first time that does not grow, `last` being the time before the piece."""
    wrong = np.flatnonzero(times[1:] <= times[:-1])
    if last is not None and times.size and times[0] <= last:
        row, before = 0, last
    elif wrong.size:
        row = int(wrong[0]) + 1
        before = int(times[row - 1])
    else:
        return None
    return Fault(row=row, reason=order_reason(int(times[row]), before, kind))


def order_reason(time: int, before: int, kind: str) -> str:
    """Why a time after `before` is refused."""
    shown = show_time(time, kind)
    if time == before:
        return f"the time {shown} is there twice; keep one row a time"
    return f"the time {shown} comes after {show_time(before, kind)}; sort the rows by time"


def finite(column: str, values: Any, missing: Missing) -> tuple[Any, Fault | None]:
    """Float64 values with NaN made null where that is asked for, and the first value that is not finite else."""
    if pc.all(pc.is_finite(values)).as_py() in {True, None}:
        return values, None
    if missing is Missing.KEEP:
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, pa.float64()), values)
    wrong = pc.fill_null(pc.invert(pc.is_finite(values)), fill_value=False)
    row = pc.index(wrong, value=True).as_py()
    if row < 0:
        return values, None
    if np.isnan(values[row].as_py()):
        reason = "NaN is not a number; leave the cell empty, or choose missing=keep to read NaN as missing"
    else:
        reason = "the value is infinite or too large for a float64"
    return values, Fault(row=row, column=column, reason=reason)

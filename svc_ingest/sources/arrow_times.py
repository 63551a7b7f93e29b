"""Arrow columns of any time type to int64: ns since 1970 in UTC, or an index."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from svc_ingest.domain.options import TimeFormat
from svc_ingest.domain.times import EPOCH_DIGITS, INT64_MAX, Int64s, explain_local, to_utc
from svc_ingest.sources.pieces import Fault

OUT_OF_RANGE = "the time is outside the years 1677 to 2262 that nanoseconds can hold; is time_format the right unit?"
NO_TIME = "there is no time"


def to_int64(values: Any, time_format: TimeFormat, zone: str) -> tuple[Int64s, Fault | None]:
    """Times of one column, shape [n], and the first row that has none or a wrong one (times are right before it).

    `values` is an Arrow array of timestamps (naive ones are wall-clock times of `zone`), int64, decimal128 or float64.
    """
    times, fault = _converted(values, time_format, zone)
    if values.null_count:
        row = pc.index(pc.is_null(values), value=True).as_py()
        if fault is None or row <= fault.row:
            fault = Fault(row=row, reason=NO_TIME)
    return times, fault


def _converted(values: Any, time_format: TimeFormat, zone: str) -> tuple[Int64s, Fault | None]:
    kind = values.type
    if pa.types.is_timestamp(kind):
        times, fault = _scaled(_numbers(values.cast(pa.int64())), {"s": 9, "ms": 6, "us": 3, "ns": 0}[kind.unit])
        return (times, fault) if kind.tz else _localised(times, fault, zone)
    digits = EPOCH_DIGITS.get(time_format, 0)
    if pa.types.is_decimal(kind):
        return _unscaled(values)
    if pa.types.is_floating(kind):
        return _from_floats(pc.fill_null(values, 0.0).to_numpy(zero_copy_only=False), digits)
    return _scaled(_numbers(values), digits)


def _numbers(values: Any) -> Int64s:
    if values.null_count:
        values = pc.fill_null(values, 0)
    numbers: Int64s = values.to_numpy(zero_copy_only=False)
    return numbers


def _scaled(numbers: Int64s, digits: int) -> tuple[Int64s, Fault | None]:
    if digits == 0:
        return numbers, None
    limit = INT64_MAX // 10**digits
    inside = (numbers >= -limit) & (numbers <= limit)
    return np.where(inside, numbers, 0) * np.int64(10**digits), _first_outside(inside)


def _unscaled(values: Any) -> tuple[Int64s, Fault | None]:
    """A decimal128 with the scale of the unit is an integer of nanoseconds in two words, the low one first."""
    words = np.frombuffer(values.buffers()[1], dtype=np.int64).reshape(-1, 2)
    low, high = words[values.offset : values.offset + len(values)].T
    return np.ascontiguousarray(low), _first_outside(high == low >> 63)


def _from_floats(numbers: np.ndarray[Any, np.dtype[np.float64]], digits: int) -> tuple[Int64s, Fault | None]:
    inside = np.abs(numbers) < INT64_MAX / 10**digits
    kept = np.where(inside, numbers, 0.0)
    # Whole and fraction apart: their sum in float64 would lose the digits that the fraction still has.
    whole = np.floor(kept)
    fraction = np.rint((kept - whole) * 10**digits)
    return whole.astype(np.int64) * np.int64(10**digits) + fraction.astype(np.int64), _first_outside(inside)


def _first_outside(inside: np.ndarray[Any, np.dtype[np.bool_]]) -> Fault | None:
    return None if inside.all() else Fault(row=int(np.argmin(inside)), reason=OUT_OF_RANGE)


def _localised(local: Int64s, fault: Fault | None, zone: str) -> tuple[Int64s, Fault | None]:
    times, wrong = to_utc(local, zone)
    if wrong is None or (fault is not None and fault.row <= wrong):
        return times, fault
    return times, Fault(row=wrong, reason=explain_local(int(local[wrong]), zone))

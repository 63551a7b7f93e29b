"""Parquet's column types to the few that a series is made of."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from shared.errors import InvalidInputError
from svc_ingest.domain.columns import Columns
from svc_ingest.domain.iso import iso_reason
from svc_ingest.domain.options import ReadOptions, TimeFormat
from svc_ingest.domain.times import EPOCH_DIGITS, choose_format
from svc_ingest.sources.arrow_times import OUT_OF_RANGE
from svc_ingest.sources.pieces import Fault

FLOAT_INTEGERS = "the whole number is too large for a float64 to hold it exactly"


def check_types(schema: Any, columns: Columns) -> None:
    """Refuse columns that are no times, numbers or names, with InvalidInputError."""
    values = (columns.value,) if columns.long else columns.channels
    for name in values:
        kind = schema.field(name).type
        if not (_is_number(kind) or pa.types.is_null(kind)):
            reason = f"column {name!r} holds {kind}, not numbers; if it is no channel, choose the others with channels"
            raise InvalidInputError.of("file", reason)
    if columns.long and not (_is_text(kind := schema.field(columns.channel).type) or pa.types.is_integer(kind)):
        raise InvalidInputError.of("file", f"column {columns.channel!r} holds {kind}, not names of channels")


def format_of(kind: Any, first: str, columns: Columns, options: ReadOptions) -> TimeFormat:
    """The format of the time column, whose first time is `first`; InvalidInputError when the choice does not fit."""
    wanted, name = options.time_format, columns.time
    fits: tuple[TimeFormat, ...]
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind) or _is_text(kind):
        fits, what = (TimeFormat.AUTO, TimeFormat.ISO8601), f"holds {kind}"
        chosen = TimeFormat.ISO8601
    elif pa.types.is_integer(kind):
        fits, what = tuple(f for f in TimeFormat if f is not TimeFormat.ISO8601), "holds whole numbers"
        chosen = choose_format(wanted, name, first)
    elif _is_number(kind):
        fits, what = (TimeFormat.AUTO, *EPOCH_DIGITS), "holds numbers with fractions"
        chosen = choose_format(wanted, name, first)
    else:
        raise InvalidInputError.of("options.time_column", f"column {name!r} holds {kind}, which is no time")
    if wanted not in fits:
        raise InvalidInputError.of("options.time_format", f"column {name!r} {what}, so it is one of: {', '.join(fits)}")
    return chosen


def time_values(values: Any, time_format: TimeFormat, *, aware: bool) -> tuple[Any, Fault | None]:
    """A time column as timestamps, int64, decimal128 or float64, null from the first row that cannot be one."""
    kind = values.type
    if pa.types.is_timestamp(kind):
        return values, None
    if pa.types.is_date(kind):
        return values.cast(pa.timestamp("ms")), None
    if _is_text(kind):
        text = values.cast(pa.string())
        times, row = cast_rows(text, pa.timestamp("ns", tz="UTC" if aware else None))
        return times, row if row is None else Fault(row=row, reason=iso_reason(text[row].as_py(), aware=aware))
    if pa.types.is_floating(kind):
        numbers = values.cast(pa.float64())
        return pc.if_else(pc.is_nan(numbers), pa.scalar(None, pa.float64()), numbers), None
    exact = pa.decimal128(38, EPOCH_DIGITS.get(time_format, 0)) if pa.types.is_decimal(kind) else pa.int64()
    times, row = cast_rows(values, exact)
    return times, row if row is None else Fault(row=row, reason=OUT_OF_RANGE)


def channel_values(name: str, values: Any) -> tuple[Any, Fault | None]:
    """Numbers as float64, null from the first that it cannot hold."""
    numbers, row = cast_rows(values, pa.float64())
    return numbers, row if row is None else Fault(row=row, column=name, reason=FLOAT_INTEGERS)


def cast_rows(values: Any, kind: Any) -> tuple[Any, int | None]:
    """The values as another type up to the first row that cannot be cast, null from there, and that row or None."""
    try:
        return values.cast(kind), None
    except pa.ArrowInvalid:
        good, bad = 0, len(values)
    while bad - good > 1:
        middle = (good + bad) // 2
        try:
            values.slice(0, middle).cast(kind)
            good = middle
        except pa.ArrowInvalid:
            bad = middle
    return pa.concat_arrays([values.slice(0, good).cast(kind), pa.nulls(len(values) - good, kind)]), good


def first_text(times: Any) -> str:
    """The first time that is text or a number, as it is written; empty where there is none.

    Timestamps are left out: without pandas, Python has no type for their nanoseconds.
    """
    present = times.drop_null() if _is_text(times.type) or _is_number(times.type) else times.slice(0, 0)
    return str(present[0].as_py()) if len(present) else ""


def _is_number(kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _is_text(kind: Any) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))

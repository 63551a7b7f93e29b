"""Parses a block of lines with pyarrow; where that fails, finds the first line it fails on by halving."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv

from svc_ingest.domain.columns import Columns
from svc_ingest.domain.iso import has_offset
from svc_ingest.domain.options import Missing, ReadOptions, TimeFormat
from svc_ingest.domain.times import EPOCH_DIGITS
from svc_ingest.sources.lines import LineBlock

MISSING_WORDS = ("NA", "N/A", "n/a", "null", "NULL", "None")


class BlockParser:
    """Turns lines into an Arrow table of the needed columns: the time as `time_types` says, values as float64.

    Safe to use from several threads. pyarrow itself gets one thread a block: blocks are parsed side by side anyway,
    and its own threads may hang after an error (apache/arrow issues 38676 and 43741).
    """

    def __init__(self, names: Sequence[str], columns: Columns, options: ReadOptions, time_types: Sequence[Any]) -> None:
        self._names = list(names)
        self._time = columns.time
        self._time_types = tuple(time_types)
        self._likely = 0
        self._types = {name: pa.float64() for name in columns.needed}
        if columns.long:
            self._types[columns.channel] = pa.string()
        # An empty line stays a row, so that row and line numbers go together.
        self._parse = pacsv.ParseOptions(delimiter=options.delimiter, ignore_empty_lines=False)
        self._null_values = ["", *(MISSING_WORDS if options.missing is Missing.KEEP else ())]

    def parse(self, data: bytes, lines: int) -> Any | None:
        """A table with a row for each of the lines, or None when some line cannot be parsed."""
        for number in range(self._likely, len(self._time_types)):
            try:
                table = self._table(data, self._time_types[number])
            except pa.ArrowInvalid:
                continue
            if table.num_rows == lines:
                # What one block needed is tried first for the next.
                self._likely = number
                return table
        return None

    def good_lines(self, block: LineBlock) -> int:
        """How many lines from the first can be parsed, in a block that cannot; the next is the first that fails."""
        ends = block.line_ends()
        good, bad = 0, len(ends)
        while bad - good > 1:
            middle = (good + bad) // 2
            if self.parse(block.data[: ends[middle - 1]], middle) is None:
                bad = middle
            else:
                good = middle
        return good

    def _table(self, data: bytes, time_type: Any) -> Any:
        convert = pacsv.ConvertOptions(
            column_types={**self._types, self._time: time_type},
            include_columns=list(self._types),
            null_values=self._null_values,
        )
        # In one piece: any line fits, and each column is one array.
        read = pacsv.ReadOptions(column_names=self._names, block_size=len(data) + 1, use_threads=False)
        return pacsv.read_csv(
            pa.BufferReader(data), read_options=read, parse_options=self._parse, convert_options=convert
        )


def text_time_type(*, aware: bool) -> Any:
    """Times in text have an offset from UTC in every row (they are aware) or in none."""
    return pa.timestamp("ns", tz="UTC" if aware else None)


def time_types(time_format: TimeFormat, first: str) -> tuple[Any, ...]:
    """The Arrow types to try on a time column whose first cell is `first`, the fastest first.

    Epochs may have fractions, which decimals hold exactly.
    """
    if time_format is TimeFormat.ISO8601:
        return (text_time_type(aware=has_offset(first)),)
    digits = EPOCH_DIGITS.get(time_format, 0)
    return (pa.int64(), pa.decimal128(38, digits)) if digits else (pa.int64(),)

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
PARSE_BYTES = 2**20


class BlockParser:
    """Turns lines into an Arrow table of the needed columns: the time as `time_types` says, values as float64."""

    def __init__(self, names: Sequence[str], columns: Columns, options: ReadOptions, time_types: Sequence[Any]) -> None:
        self._time = columns.time
        self._time_types = list(time_types)
        self._types = {name: pa.float64() for name in columns.needed}
        if columns.long:
            self._types[columns.channel] = pa.string()
        # A block of pyarrow's must hold any line whole.
        block_bytes = max(PARSE_BYTES, 2 * options.max_line_bytes)
        self._read = pacsv.ReadOptions(column_names=list(names), block_size=block_bytes)
        # An empty line stays a row, so that row and line numbers go together.
        self._parse = pacsv.ParseOptions(delimiter=options.delimiter, ignore_empty_lines=False)
        self._null_values = ["", *(MISSING_WORDS if options.missing is Missing.KEEP else ())]

    def parse(self, data: bytes, lines: int) -> Any | None:
        """A table with a row for each of the lines, or None when some line cannot be parsed."""
        for time_type in self._time_types:
            try:
                table = self._table(data, time_type)
            except pa.ArrowInvalid:
                continue
            if table.num_rows == lines:
                # What fitted once is tried first from now on.
                self._time_types = self._time_types[self._time_types.index(time_type) :]
                return table
        return None

    def good_lines(self, block: LineBlock) -> int:
        """How many lines from the first can be parsed; the next one is the first that cannot."""
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
        return pacsv.read_csv(
            pa.BufferReader(data), read_options=self._read, parse_options=self._parse, convert_options=convert
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

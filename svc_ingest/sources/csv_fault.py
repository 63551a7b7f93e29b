"""Says what is wrong with one line of a CSV file that pyarrow could not parse."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence

import pyarrow as pa

from svc_ingest.domain.columns import Columns
from svc_ingest.domain.iso import clipped, iso_reason
from svc_ingest.domain.options import Missing, ReadOptions, TimeFormat
from svc_ingest.domain.times import INT64_MAX
from svc_ingest.sources.arrow_times import NO_TIME, OUT_OF_RANGE
from svc_ingest.sources.csv_block import MISSING_WORDS, text_time_type
from svc_ingest.sources.pieces import Fault

EMPTY_LINE = "the line is empty"
_NUMBER = re.compile(r"\s*[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|nan(\(\w*\))?|inf|infinity)\s*", re.IGNORECASE | re.ASCII)
_COMMA_NUMBER = re.compile(r"\s*[+-]?[\d.]*\d,\d+([eE][+-]?\d+)?\s*", re.ASCII)
_WHOLE = re.compile(r"\s*-?\d+\s*", re.ASCII)


def split_fields(line: bytes, delimiter: str) -> list[str]:
    """The cells of one line; ValueError when a quoted one does not end in it."""
    text = line.decode().rstrip("\r\n")
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:
        if text.count('"') % 2:
            raise ValueError("a quoted cell does not end in its line") from None
        return next(csv.reader([text], delimiter=delimiter), [])


class LineFaults:
    """Explains lines of one file. `aware` tells whether its first time had an offset from UTC."""

    def __init__(
        self, *, names: Sequence[str], columns: Columns, options: ReadOptions, time_format: TimeFormat, aware: bool
    ) -> None:
        self._names = names
        self._columns = columns
        self._options = options
        self._format = time_format
        self._aware = aware

    def explain_quotes(self, row: int, line: bytes) -> Fault | None:
        """The fault of a line whose quotes are wrong."""
        try:
            split_fields(line, self._options.delimiter)
        except ValueError as error:
            return Fault(row=row, reason=str(error))
        return None

    def explain(self, row: int, line: bytes, seen: Mapping[str, int]) -> Fault:
        """The fault of the line; `seen` counts the values that each column had before it."""
        if fault := self.explain_quotes(row, line):
            return fault
        if not line.strip():
            return Fault(row=row, reason=EMPTY_LINE)
        cells = split_fields(line, self._options.delimiter)
        if len(cells) != len(self._names):
            return Fault(row=row, reason=self._count_reason(len(cells)))
        by_name = dict(zip(self._names, cells, strict=True))
        time = self._columns.time
        if reason := self._time_reason(by_name[time]):
            return Fault(row=row, column=time, reason=reason)
        values = (self._columns.value,) if self._columns.long else self._columns.channels
        for name in values:
            if reason := self._value_reason(name, by_name[name], seen.get(name, 0)):
                return Fault(row=row, column=name, reason=reason)
        return Fault(row=row, reason=f"cannot be read: {clipped(line.decode().rstrip())}")

    def _count_reason(self, count: int) -> str:
        reason = f"has {count} cell{'s' if count > 1 else ''} where the header has {len(self._names)}"
        if count > len(self._names) and self._options.delimiter == ",":
            return reason + "; a comma inside a cell needs quotes, and numbers need a decimal point"
        return reason

    def _time_reason(self, cell: str) -> str:
        if not cell:
            return NO_TIME
        if self._format is TimeFormat.ISO8601:
            return "" if self._is_time(cell) else iso_reason(cell, aware=self._aware)
        fraction = self._format not in {TimeFormat.NANOSECONDS, TimeFormat.INDEX}
        if _WHOLE.fullmatch(cell):
            return "" if abs(int(cell)) <= INT64_MAX else OUT_OF_RANGE
        if fraction and _NUMBER.fullmatch(cell):
            return f"{clipped(cell)} has more digits than nanoseconds can hold, or is no finite number"
        kind = "a number" if fraction else "a whole number"
        return f"{clipped(cell)} is not {kind}, as the time_format {self._format} asks"

    def _is_time(self, cell: str) -> bool:
        try:
            pa.array([cell]).cast(text_time_type(aware=self._aware))
        except pa.ArrowInvalid:
            return False
        return True

    def _value_reason(self, name: str, cell: str, seen: int) -> str:
        missing = cell in MISSING_WORDS and self._options.missing is Missing.KEEP
        return "" if not cell or missing or _NUMBER.fullmatch(cell) else self._number_reason(name, cell, seen)

    def _number_reason(self, name: str, cell: str, seen: int) -> str:
        if not cell.strip():
            return "holds only spaces; leave the cell empty for a missing value"
        if _COMMA_NUMBER.fullmatch(cell):
            return f"{clipped(cell)} has a comma; write numbers with a decimal point and no thousands separators"
        reason = f"{clipped(cell)} is not a number"
        if cell in MISSING_WORDS:
            return f"{reason}; leave the cell empty, or choose missing=keep to read it as missing"
        if self._columns.long or seen:
            return reason + (", as earlier lines have" if seen else "")
        others = [other for other in self._columns.channels if other != name]
        shown = f" ({', '.join(others[:5])}{', ...' if len(others) > 5 else ''})" if others else ""
        return f"{reason}; if the column is no channel, choose the others with channels{shown}"

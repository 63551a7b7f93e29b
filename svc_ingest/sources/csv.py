"""CSV files, plain or gzip: a block of lines at a time by pyarrow, line by line only where a block cannot be parsed."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from shared.errors import InvalidInputError
from svc_ingest.domain.columns import Columns, choose_columns
from svc_ingest.domain.iso import has_offset
from svc_ingest.domain.options import ReadOptions, TimeFormat
from svc_ingest.domain.times import choose_format, time_kind
from svc_ingest.sources.ahead import done_ahead
from svc_ingest.sources.arrow_times import NO_TIME, to_int64
from svc_ingest.sources.base import Reading
from svc_ingest.sources.csv_block import BlockParser, time_types
from svc_ingest.sources.csv_fault import EMPTY_LINE, LineFaults, split_fields
from svc_ingest.sources.layouts import reading_of
from svc_ingest.sources.lines import LineBlock, line_blocks
from svc_ingest.sources.pieces import Fault, Piece, Place

# Threads that parse blocks ahead of the checks and the writing, each holding one.
WORKERS = min(4, os.cpu_count() or 1)
HEADER = Place(unit="line", first=1)


class CsvSource:
    """The header is line 1; cells may be quoted, but not over several lines; a byte order mark is skipped."""

    name = "csv"
    summary = "Series from CSV files, a column a channel or a row a value."
    suffixes = (".csv", ".csv.gz", ".tsv", ".txt")

    def read(self, path: Path, options: ReadOptions, scratch: Path) -> Reading:
        """See `Source.read`."""
        blocks = line_blocks(path, options)
        first = next(blocks, None)
        if first is None:
            raise InvalidInputError.of("file", "the file is empty")
        header, rest = first.split_first()
        names = _header_names(header, options)
        columns = choose_columns(names, options)
        body = rest or next(blocks, None)
        if body is None:
            raise InvalidInputError.of("file", "there is a header, but no row of data")
        file = _CsvFile(names, columns, options, _first_time(body, names, columns, options))
        pieces = file.pieces(chain([body], blocks))
        return reading_of(pieces, time=time_kind(file.time_format), columns=columns, options=options, scratch=scratch)


SOURCE = CsvSource()


def _header_names(line: bytes, options: ReadOptions) -> list[str]:
    try:
        names = [name.strip() for name in split_fields(line, options.delimiter)]
    except ValueError as error:
        raise HEADER.error(Fault(row=0, reason=str(error))) from None
    if not any(names):
        raise HEADER.error(Fault(row=0, reason="must name the columns, but is empty"))
    if "" in names:
        raise HEADER.error(Fault(row=0, reason=f"column {names.index('') + 1} has no name"))
    return names


def _first_time(body: LineBlock, names: list[str], columns: Columns, options: ReadOptions) -> str:
    """The first time as it is written, empty when its line is broken: the parser will then tell what is wrong."""
    line, _ = body.split_first()
    try:
        cells = split_fields(line, options.delimiter)
    except ValueError:
        return ""
    return cells[names.index(columns.time)] if len(cells) == len(names) else ""


class _CsvFile:
    """The parsing of one file after its header."""

    def __init__(self, names: list[str], columns: Columns, options: ReadOptions, first_time: str) -> None:
        self.time_format = choose_format(options.time_format, columns.time, first_time)
        aware = self.time_format is TimeFormat.ISO8601 and has_offset(first_time)
        self._columns = columns
        self._zone = options.timezone
        self._parser = BlockParser(names, columns, options, time_types(self.time_format, first_time))
        self._faults = LineFaults(
            names=names, columns=columns, options=options, time_format=self.time_format, aware=aware
        )
        self._seen: Counter[str] = Counter()

    def pieces(self, blocks: Iterator[LineBlock]) -> Generator[Piece]:
        """Pieces up to the first line that cannot be parsed, then the error about that line."""
        for block, parsed in done_ahead(self._parsed, blocks, WORKERS):
            # Asked again before a line is blamed: on a crowded machine pyarrow once refused a block that was right.
            table = parsed if parsed is not None else self._parsed(block)
            if table is not None:
                yield self._piece(block, table)
                continue
            good = self._parser.good_lines(block)
            if good:
                start = block.first_lines(good)
                yield self._piece(start, self._parser.parse(start.data, good))
            raise Place(unit="line", first=block.first).error(self._explain(block, good))

    def _parsed(self, block: LineBlock) -> Any | None:
        return self._parser.parse(block.data, block.count)

    def _piece(self, block: LineBlock, table: Any) -> Piece:
        columns = {name: table.column(name).chunk(0) for name in table.column_names}
        times, fault = to_int64(columns.pop(self._columns.time), self.time_format, self._zone)
        if fault and fault.reason == NO_TIME and not block.line(fault.row).strip():
            fault = replace(fault, reason=EMPTY_LINE)
        self._seen.update({name: len(values) - values.null_count for name, values in columns.items()})
        place = Place(unit="line", first=block.first)
        return Piece(place=place, times=times, columns=columns, faults=(fault,) if fault else ())

    def _explain(self, block: LineBlock, row: int) -> Fault:
        # A quoted cell that does not end may be noticed only on the line after the one that it begins in.
        before = self._faults.explain_quotes(row - 1, block.line(row - 1)) if row else None
        return before or self._faults.explain(row, block.line(row), self._seen)

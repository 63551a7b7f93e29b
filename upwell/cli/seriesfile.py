"""Reading a CSV file as one series for a prediction."""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from upwell.errors import ToolError
from upwell.infer.v1 import infer_service_pb2

TIME_COLUMNS = ("time", "index")
STDIN = Path("-")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesFile:
    """A series; `clock` tells that its times are moments and not an index."""

    series: infer_service_pb2.Series
    clock: bool


def read_series(path: Path) -> SeriesFile:
    """Every column is a channel, except one named `time` or `index`.

    That one holds whole numbers, or times in ISO 8601 (UTC where they have no offset).

    Raises:
        ToolError: the file is missing, empty, or holds something else; the message names line and column.
    """
    with _opened(path) as file:
        path = Path("stdin") if path == STDIN else path
        reader = csv.reader(file)
        header = next(reader, [])
        if not header:
            raise ToolError(f"{path} is empty: the first line must name the columns.")
        rows = [(reader.line_num, row) for row in reader if row]
    if not rows:
        raise ToolError(f"{path} has a header and no rows.")
    for line, row in rows:
        if len(row) != len(header):
            raise ToolError(f"{path}, line {line}: {len(row)} fields where the header names {len(header)} columns.")
    return _series(path, header, rows)


def _series(path: Path, header: Sequence[str], rows: Sequence[tuple[int, Sequence[str]]]) -> SeriesFile:
    names = [name.strip() for name in header]
    series = infer_service_pb2.Series(id=path.stem)
    clock = False
    for place, name in enumerate(names):
        cells = [(line, row[place].strip()) for line, row in rows]
        if name.lower() in TIME_COLUMNS and not series.times:
            clock = not cells[0][1].lstrip("-").isdecimal()
            series.times.extend(_time(path, line, name, cell, clock=clock) for line, cell in cells)
        else:
            series.channels.add(name=name, values=[_value(path, line, name, cell) for line, cell in cells])
    if not series.channels:
        raise ToolError(f"{path} has no column of values beside {', '.join(names)}.")
    return SeriesFile(series=series, clock=clock)


def _value(path: Path, line: int, name: str, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        raise ToolError(f"{path}, line {line}, column {name}: {cell!r} is not a number.") from None
    if not math.isfinite(value):
        raise ToolError(f"{path}, line {line}, column {name}: {cell!r}; a prediction needs finite numbers.")
    return value


def _time(path: Path, line: int, name: str, cell: str, *, clock: bool) -> int:
    try:
        if not clock:
            return int(cell)
        moment = datetime.fromisoformat(cell)
        since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH
        return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000
    except ValueError:
        wanted = "a time in ISO 8601" if clock else "a whole number"
        raise ToolError(f"{path}, line {line}, column {name}: {cell!r} is not {wanted}.") from None


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    if path == STDIN:
        yield sys.stdin
        return
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            yield file
    except OSError as error:
        raise ToolError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ToolError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}.") from error

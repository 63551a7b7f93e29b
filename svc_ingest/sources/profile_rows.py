"""The rows of `profile.csv`, checked one by one."""

from __future__ import annotations

import csv
import math
from array import array
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from typing import TextIO

import numpy as np

from shared.errors import InvalidInputError
from shared.planning.profile import INPUT_SIZE, LATENCY, LEAST, MOST, NUMBERS, TOOLS_FILE, Profile, Tool
from svc_ingest.domain.jobs import StoppedError

COLUMNS = ("tool", *NUMBERS)
NEVER_ZERO = {INPUT_SIZE: "size", LATENCY: "time"}
OTHER_SEPARATORS = ";\t|"
MAX_CONFIGURATIONS = 1_000_000
ASK_EVERY = 1000
Row = tuple[int, Sequence[str]]


def read_rows(text: TextIO, tools: tuple[Tool, ...], must_stop: Callable[[], bool]) -> Profile:
    """The profile in a table of these tools; `text` begins with the header.

    Raises:
        InvalidInputError: naming the line and the column that is wrong.
        StoppedError: `must_stop` said so.
    """
    rows = _rows(text)
    order = _order(*next(rows, (1, ())))
    table = _Table(tools)
    for count, (line, cells) in enumerate(rows):
        if count % ASK_EVERY == 0 and must_stop():
            raise StoppedError("stopped while the file was read")
        if count == MAX_CONFIGURATIONS:
            raise _error(line, f"has one row too many: at most {MAX_CONFIGURATIONS} are read")
        if len(cells) != len(COLUMNS):
            raise _error(line, f"has {len(cells)} cells; the header names {len(COLUMNS)} columns")
        table.add(line, [cells[i].strip() for i in order])
    return table.profile()


def _rows(text: TextIO) -> Iterator[Row]:
    """(line, cells); empty lines are nothing at the file's end and an error before."""
    reader = csv.reader(text, strict=True)
    empty = 0
    try:
        for cells in reader:
            if not cells:
                empty = empty or reader.line_num
                continue
            if empty:
                raise _error(empty, "is empty")
            yield reader.line_num, cells
    except csv.Error as error:
        raise _error(reader.line_num, f"cannot be read: {error}") from error


def _order(line: int, header: Sequence[str]) -> list[int]:
    """Where each of `COLUMNS` stands in the header."""
    names = [name.strip() for name in header]
    wanted = f"the columns are {', '.join(COLUMNS)}"
    if len(names) == 1 and any(other in names[0] for other in OTHER_SEPARATORS):
        raise _error(line, f"is one cell, {names[0][:100]!r}: separate the cells by commas; {wanted}")
    absent = [name for name in COLUMNS if name not in names]
    for name in names:
        if "\0" in name:
            raise _error(line, f"{name[:100]!r} is not text in utf-8: save the file as UTF-8")
        if name not in COLUMNS:
            hint = _near(name, absent) or "; leave it out"
            raise _error(line, f"there is no column {name[:100]!r}{hint}: {wanted}")
        if names.count(name) > 1:
            raise _error(line, f"the column {name!r} is named twice")
    if absent:
        raise _error(line, f"lacks {', '.join(absent)}: {wanted}")
    return [names.index(name) for name in COLUMNS]


class _Table:
    """The configurations read so far."""

    def __init__(self, tools: tuple[Tool, ...]) -> None:
        self._tools = tools
        self._ids = {tool.name: tool_id for tool_id, tool in enumerate(tools)}
        self._tool_ids = array("i")
        self._numbers = array("d")
        self._lines: dict[tuple[int, bytes], int] = {}

    def add(self, line: int, cells: Sequence[str]) -> None:
        tool_id = self._tool_id(line, cells[0])
        numbers = array("d", [_number(line, name, cell) for name, cell in zip(NUMBERS, cells[1:], strict=True)])
        first = self._lines.setdefault((tool_id, numbers[:-1].tobytes()), line)
        if first != line:
            reason = f"is the configuration of line {first} again; a tool has one latency for the same numbers"
            raise _error(line, reason)
        self._tool_ids.append(tool_id)
        self._numbers.extend(numbers)

    def profile(self) -> Profile:
        if not self._tool_ids:
            raise InvalidInputError.of("file", "profile.csv: there is a header, but no row of data")
        measured = set(self._tool_ids)
        for tool_id, tool in enumerate(self._tools):
            if tool_id not in measured:
                reason = f"{tool.name!r} has no row in profile.csv: measure it or leave it out of {TOOLS_FILE}"
                raise InvalidInputError.of("file", f"{TOOLS_FILE} item {tool_id + 1}: {reason}")
        return Profile(
            tools=self._tools,
            tool_ids=np.array(self._tool_ids, dtype=np.int32),
            numbers=np.array(self._numbers, dtype=np.float64).reshape(-1, len(NUMBERS)),
        )

    def _tool_id(self, line: int, name: str) -> int:
        if name not in self._ids:
            raise _error(line, f"tool: {name[:100]!r} is not in {TOOLS_FILE}{_near(name, self._ids)}")
        return self._ids[name]


def _number(line: int, column: str, cell: str) -> float:
    try:
        # float() reads "1_000" as well, which no other program writes as a number.
        number = math.nan if "_" in cell else float(cell)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise _error(line, f"{column}: {cell[:100]!r} is not a finite number")
    if number < 0:
        raise _error(line, f"{column}: {cell} is negative")
    if number == 0 and column in NEVER_ZERO:
        raise _error(line, f"{column}: {cell} is no {NEVER_ZERO[column]}")
    if number and not LEAST <= number <= MOST:
        wrong = f"{cell[:100]} is too {'large' if number > MOST else 'small'}"
        raise _error(line, f"{column}: {wrong}: write numbers from {LEAST:g} to {MOST:g}, in another unit if need be")
    # -0.0 is 0: equal numbers have equal bytes.
    return number + 0.0


def _near(name: str, known: Sequence[str] | dict[str, int]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _error(line: int, reason: str) -> InvalidInputError:
    return InvalidInputError.of("file", f"profile.csv line {line}: {reason}")

"""Reading the state of a system: what was in use of late."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from upwell.errors import ToolError
from upwell.infer.v1 import plan_pb2

RESOURCES = tuple(field.name for field in plan_pb2.ResourceUse.DESCRIPTOR.fields)
# When each of them was, if the file says so; their order says enough.
TIME = "time"
STDIN = Path("-")
# Where the reader puts cells that have no column.
TOO_MANY = ""


def read_state(path: Path) -> list[dict[str, float]]:
    """The times of a CSV file with a header, or of a JSON list of objects (ending `.json`), oldest first.

    `-` is standard input, where a JSON list is known by its bracket. A column `time` is passed over.

    Raises:
        ToolError: the file is missing, empty, or holds something else; the message names the line and the column.
    """
    is_typed = path == STDIN
    name = "standard input" if is_typed else str(path)
    try:
        text = (sys.stdin.buffer.read() if is_typed else path.read_bytes()).decode("utf-8-sig")
    except OSError as error:
        raise ToolError(f"{name} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ToolError(f"{name} is no text in UTF-8.") from error
    is_json = text.lstrip().startswith(("[", "{")) if is_typed else path.suffix.lower() == ".json"
    rows = _json_rows(name, text) if is_json else _csv_rows(name, text)
    if not rows:
        raise ToolError(f"{name} holds no time: write one a line below {','.join(RESOURCES)}.")
    return [_use(place, row) for place, row in rows]


def _csv_rows(path: str, text: str) -> Sequence[tuple[str, Mapping[str, Any]]]:
    reader = csv.DictReader(text.splitlines(), restkey=TOO_MANY, skipinitialspace=True)
    try:
        columns = reader.fieldnames or ()
        _check_names(f"{path}, line 1", columns)
        rows = [(f"{path}, line {reader.line_num}", row) for row in reader]
    except csv.Error as error:
        raise ToolError(f"{path}, line {reader.reader.line_num} cannot be read: {error}.") from error
    for place, row in rows:
        if TOO_MANY in row:
            raise ToolError(f"{place} has {len(columns) + len(row[TOO_MANY])} cells; needed are {len(columns)}.")
    return rows


def _json_rows(path: str, text: str) -> Sequence[tuple[str, Mapping[str, Any]]]:
    try:
        times = json.loads(text)
    except ValueError as error:
        raise ToolError(f"{path} is no JSON: {error}.") from error
    if not isinstance(times, list) or not all(isinstance(use, dict) for use in times):
        raise ToolError(f"{path} is no list of objects, each with {', '.join(RESOURCES)}.")
    rows = [(f"{path}, time {number}", use) for number, use in enumerate(times, start=1)]
    for place, use in rows:
        _check_names(place, use)
    return rows


def _check_names(place: str, names: Sequence[str] | Mapping[str, Any]) -> None:
    if sorted(name for name in names if name != TIME) != sorted(RESOURCES):
        found = ", ".join(names) or "(none)"
        commas = ": separate them by commas" if len(names) == 1 and any(other in found for other in ";\t") else ""
        raise ToolError(f"{place} has the columns {found}; needed are {', '.join(RESOURCES)}{commas}.")


def _use(place: str, row: Mapping[str, Any]) -> dict[str, float]:
    use = {}
    for name in RESOURCES:
        try:
            use[name] = float(row[name])
        except (TypeError, ValueError, OverflowError) as error:
            raise ToolError(f"{place}: {name} is {row[name]!r}, which is no number.") from error
        if not (math.isfinite(use[name]) and use[name] >= 0):
            raise ToolError(f"{place}: {name} is {row[name]}; write a finite number from 0 up.")
    return use

"""How commands speak: tables for people, JSON for programs, progress on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from google.protobuf import json_format, struct_pb2, timestamp_pb2
from google.protobuf.message import Message
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from upwell.common.v1 import common_pb2

# What is not a terminal has no width of its own: lines for files and pipes must not be cut.
WIDE = 1000
DIGEST_CHARACTERS = 12
# Columns of sentences: their cells may take several lines. Ids and numbers stay whole, so that they can be copied.
SENTENCES = frozenset({"allowed", "because of", "failure", "help", "metrics", "reason", "remark", "summary", "value"})
# Sentences in a narrower column cannot be read.
NARROWEST = 20
# From here on doubles leave whole numbers out.
LARGEST_WHOLE = 2**53


def console(*, stderr: bool = False) -> Console:
    """A console on stdout, or on stderr for what is not the result."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else WIDE, highlight=False, soft_wrap=False)


def say(text: str) -> None:
    """A line for the person, beside the result."""
    console(stderr=True).print(Text(text))


def progress_bar(*, estimate: bool = True) -> Progress:
    """A bar on stderr, which shows nothing where stderr is no terminal; `estimate` shows the time left at its pace."""
    screen = console(stderr=True)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        *([TimeRemainingColumn()] if estimate else []),
        TextColumn("{task.fields[note]}"),
        console=screen,
        disable=not screen.is_terminal,
        transient=True,
    )


def print_json(value: Message | Sequence[Message] | dict[str, Any] | list[Any]) -> None:
    """Messages as ProtoJSON with the contracts' own field names; other values as they are. 17.0 is printed as 17."""
    if isinstance(value, Message):
        plain: Any = _plain(value)
    elif isinstance(value, dict):
        plain = value
    else:
        plain = [_plain(item) if isinstance(item, Message) else item for item in value]
    sys.stdout.write(json.dumps(with_whole_numbers(plain), indent=2, ensure_ascii=False) + "\n")


def with_whole_numbers(value: Any) -> Any:
    """JSON values in which a whole number is an int: the protobuf library for Python prints every double as a float."""
    match value:
        case float() if value.is_integer() and abs(value) <= LARGEST_WHOLE:
            return int(value)
        case list():
            return [with_whole_numbers(item) for item in value]
        case dict():
            return {name: with_whole_numbers(item) for name, item in value.items()}
        case _:
            return value


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print a table, or a sentence where there are no rows.

    Where the terminal is too narrow for a table, each row is printed as `print_stacked` does; pairs stay pairs.
    """
    rows = list(rows)
    if not rows:
        say(empty)
        return
    screen, made = console(), table(columns, rows)
    for column in made.columns:
        lengths = [Measurement.get(screen, screen.options, cell).maximum for cell in (column.header, *column.cells)]
        is_whole = column.header not in SENTENCES
        column.no_wrap, column.min_width = is_whole, max(lengths) if is_whole else min(max(lengths), NARROWEST)
    if Measurement.get(screen, screen.options.update(max_width=WIDE), made).minimum <= screen.width:
        screen.print(made)
    elif len(columns) == len(("name", "value")):
        _print_pairs([tuple(columns), *rows])
    else:
        print_stacked(columns, rows)


def print_stacked(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """The first cell of each row, and below it a line for each of the others that says something."""
    screen = console()
    for first, *others in rows:
        screen.print(Text(f"-- {first}"), soft_wrap=True)
        for name, cell in zip(columns[1:], others, strict=True):
            if str(cell):
                screen.print(Text(f"{name.rstrip('#')}: {cell}".removeprefix(": ")), soft_wrap=True)


def _print_pairs(pairs: Sequence[Sequence[object]]) -> None:
    """Names and values in two columns; the terminal breaks what is too long for a line, and copies it whole."""
    wide = max(cell_len(str(name)) for name, _ in pairs)
    for number, (name, value) in enumerate(pairs):
        line = Text(f"{set_cell_size(str(name), wide)}  {value}", style="" if number else "bold")
        console().print(line, soft_wrap=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table; columns whose name ends with `#` hold numbers."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        number = column.endswith("#")
        made.add_column(column.rstrip("#"), justify="right" if number else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text(str(cell)) for cell in row))
    return made


def state_name(state: int) -> str:
    """`WORK_STATE_RUNNING` as `running`."""
    return common_pb2.WorkState.Name(common_pb2.WorkState.ValueType(state)).removeprefix("WORK_STATE_").lower()


def version_name(ref: common_pb2.DatasetRef | common_pb2.ModelRef) -> str:
    """`pump-7@3`, or the name alone while there is no number."""
    return f"{ref.name}@{ref.version}" if ref.version else ref.name


def short(digest: str) -> str:
    """The beginning of a digest."""
    return digest[:DIGEST_CHARACTERS]


def when(stamp: timestamp_pb2.Timestamp) -> str:
    """A moment in UTC, to the second; empty when it is not set."""
    return stamp.ToDatetime(UTC).strftime("%Y-%m-%d %H:%M:%S") if stamp.seconds else ""


def clock(seconds: float) -> str:
    """A length of time, `2:05` or `1:02:05`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def place_in_time(value: int, *, clock: bool) -> str:
    """A time of a series: nanoseconds since 1970 as a moment in UTC where it has a clock, else the index."""
    if not clock:
        return str(value)
    seconds, nanoseconds = divmod(value, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"{moment}.{nanoseconds:09d}".rstrip("0").rstrip(".") + "Z"


def counted(count: int, noun: str) -> str:
    """`1 segment`, `2,000 segments`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def row_count(meta: struct_pb2.Struct) -> str:
    """The rows that a manifest's facts speak of; empty where they do not."""
    return f"{meta.fields['rows'].number_value:,.0f}" if "rows" in meta.fields else ""


def size(count: int) -> str:
    """Bytes, as people write them."""
    amount = float(count)
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"


def _plain(message: Message) -> Any:
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )

"""Which column of a table is the time, which are channels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from shared.contracts.series import TIME_COLUMN
from shared.errors import InvalidInputError
from svc_ingest.domain.options import Layout, ReadOptions

TIME_WORDS = frozenset({"time", "timestamp", "datetime", "date", "index", "时间", "时间戳", "日期"})
MAX_CHANNELS = 4096
MAX_NAME_LENGTH = 200
SHOWN_NAMES = 20
_NUMBER = re.compile(r"\s*[+-]?[\d.]+\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Wide: `channels` are columns. Long: `channel` and `value` are columns, `channels` those to keep (empty: all)."""

    time: str
    channels: tuple[str, ...]
    channel: str = ""
    value: str = ""

    @property
    def long(self) -> bool:
        """Whether the table is in the long layout."""
        return bool(self.channel)

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns to read, in no particular order."""
        return (self.time, self.channel, self.value) if self.long else (self.time, *self.channels)


def choose_columns(names: Sequence[str], options: ReadOptions) -> Columns:
    """Plan the reading of a table with these column names; InvalidInputError says which choice does not fit."""
    _check_unique(names)
    time = _time_column(names, options)
    channel, value = options.channel_column or "channel", options.value_column or "value"
    if _is_long(names, options, channel, value):
        for field, name in (("channel_column", channel), ("value_column", value)):
            _check_present(field, name, names)
        if len({time, channel, value}) != 3:
            raise InvalidInputError.of("options.value_column", "time, channel and value must be three columns")
        return Columns(time=time, channels=options.channels, channel=channel, value=value)
    for name in options.channels:
        _check_present("channels", name, names)
    kept = [name for name in names if name != time and (not options.channels or name in options.channels)]
    check_channels(kept)
    return Columns(time=time, channels=tuple(kept))


def check_channels(names: Sequence[str]) -> None:
    """Refuse names that `series/v1` cannot hold, with InvalidInputError."""
    if not names:
        raise InvalidInputError.of("file", "there is no channel: the table needs a column beside the time")
    if len(names) > MAX_CHANNELS:
        reason = f"{len(names)} channels are more than {MAX_CHANNELS}; choose some with channels"
        raise InvalidInputError.of("file", reason)
    for name in names:
        if name == TIME_COLUMN:
            reason = f"a channel may not be called {TIME_COLUMN!r}: rename it, or leave it out with channels"
            raise InvalidInputError.of("file", reason)
        if len(name) > MAX_NAME_LENGTH or not name.isprintable() or not name.strip():
            shown = name[: MAX_NAME_LENGTH // 4]
            reason = f"{shown!r} is no name for a channel: use 1 to {MAX_NAME_LENGTH} printable characters"
            raise InvalidInputError.of("file", reason)


def listed(names: Sequence[str]) -> str:
    """The names for a message, cut where there are many."""
    rest = len(names) - SHOWN_NAMES
    return ", ".join(map(repr, names[:SHOWN_NAMES])) + (f" and {rest} more" if rest > 0 else "")


def _check_unique(names: Sequence[str]) -> None:
    places: dict[str, int] = {}
    for number, name in enumerate(names, start=1):
        if name in places:
            reason = f"columns {places[name]} and {number} are both called {name!r}: rename one"
            raise InvalidInputError.of("file", reason)
        places[name] = number


def _check_present(field: str, name: str, names: Sequence[str]) -> None:
    if name not in names:
        raise InvalidInputError.of(f"options.{field}", f"there is no column {name!r}; the file has: {listed(names)}")


def _is_long(names: Sequence[str], options: ReadOptions, channel: str, value: str) -> bool:
    if options.layout is not Layout.AUTO:
        return options.layout is Layout.LONG
    return bool(options.channel_column or options.value_column) or (channel in names and value in names)


def _time_column(names: Sequence[str], options: ReadOptions) -> str:
    if options.time_column:
        _check_present("time_column", options.time_column, names)
        return options.time_column
    exact = [name for name in names if name.casefold() in TIME_WORDS]
    partly = [name for name in names if TIME_WORDS.intersection(re.split(r"[\W_]+", name.casefold()))]
    if exact or partly:
        return (exact or partly)[0]
    if all(_NUMBER.fullmatch(name) for name in names):
        raise InvalidInputError.of("file", f"the first line must name the columns, but holds numbers: {listed(names)}")
    reason = "no column's name says time, date, timestamp or index; name one with time_column. The file has: "
    raise InvalidInputError.of("options.time_column", reason + listed(names) + _delimiter_hint(names, options))


def _delimiter_hint(names: Sequence[str], options: ReadOptions) -> str:
    for mark, word in ((";", "';'"), ("\t", "'tab'"), ("|", "'|'"), (",", "','")):
        if len(names) == 1 and mark != options.delimiter and mark in names[0]:
            return f". Is the delimiter {word}?"
    return ""

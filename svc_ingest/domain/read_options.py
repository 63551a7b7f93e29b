"""The one place where a caller's reading choices are checked."""

from __future__ import annotations

import codecs
import zoneinfo
from collections.abc import Sequence
from enum import StrEnum
from typing import TypeVar

from shared.errors import FieldViolation, InvalidInputError
from svc_ingest.domain.options import DEFAULT_LINE_BYTES, Layout, Missing, ReadOptions, TimeFormat

LINE_BYTES = range(64, 64 * 2**20 + 1)
DOWNSAMPLE_ROWS = range(4, 10_000_001)
# Codecs such as `idna` or `unicode_escape` are left out: no file is written in them.
ENCODINGS = (
    "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "ascii", "latin-1", "cp1252",
    "gbk", "gb18030", "big5", "shift_jis", "cp932", "euc-jp", "euc-kr",
)  # fmt: skip
_CODECS = {codecs.lookup(name).name: name for name in ENCODINGS} | {"utf-8-sig": "utf-8"}

Choice = TypeVar("Choice", bound=StrEnum)


def read_options(
    *,
    layout: str = "",
    time_column: str = "",
    time_format: str = "",
    timezone: str = "",
    channel_column: str = "",
    value_column: str = "",
    channels: Sequence[str] = (),
    delimiter: str = "",
    encoding: str = "",
    max_line_bytes: int = 0,
    missing: str = "",
    downsample_to: int = 0,
) -> ReadOptions:
    """Options from plain values, where empty and 0 mean the default.

    `dataclasses.asdict` of the result gives the same options again.

    Raises:
        InvalidInputError: with one violation a wrong field, named `options.<field>`.
    """
    check = _Check()
    options = ReadOptions(
        layout=check.choice("layout", Layout, layout or Layout.AUTO),
        time_column=time_column,
        time_format=check.choice("time_format", TimeFormat, time_format or TimeFormat.AUTO),
        timezone=check.timezone(timezone or "UTC"),
        channel_column=channel_column,
        value_column=value_column,
        channels=check.channels(channels),
        delimiter=check.delimiter(delimiter or ","),
        encoding=check.encoding(encoding or "utf-8"),
        max_line_bytes=check.number("max_line_bytes", max_line_bytes or DEFAULT_LINE_BYTES, LINE_BYTES),
        missing=check.choice("missing", Missing, missing or Missing.REFUSE),
        downsample_to=check.number("downsample_to", downsample_to, DOWNSAMPLE_ROWS) if downsample_to else 0,
    )
    check.layout_columns(options)
    check.raise_if_wrong()
    return options


class _Check:
    """Collects what is wrong; a wrong value is returned in place of a right one and never gets out."""

    def __init__(self) -> None:
        self._violations: list[FieldViolation] = []

    def _refuse(self, field: str, reason: str) -> None:
        self._violations.append(FieldViolation(f"options.{field}", reason))

    def raise_if_wrong(self) -> None:
        if self._violations:
            message = "; ".join(f"{v.field}: {v.reason}" for v in self._violations)
            raise InvalidInputError(message, self._violations)

    def choice(self, field: str, kind: type[Choice], text: str) -> Choice:
        if text not in set(kind):
            self._refuse(field, f"{text!r} is not one of: {', '.join(kind)}")
            return next(iter(kind))
        return kind(text)

    def number(self, field: str, value: int, allowed: range) -> int:
        if value not in allowed:
            self._refuse(field, f"{value} is not between {allowed.start} and {allowed.stop - 1}")
        return value

    def timezone(self, name: str) -> str:
        try:
            zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            self._refuse("timezone", f"{name!r} is not an IANA zone such as 'UTC', 'Asia/Shanghai' or 'Etc/GMT-8'")
        return name

    def channels(self, names: Sequence[str]) -> tuple[str, ...]:
        if isinstance(names, str):
            self._refuse("channels", f"{names!r} is one text; give a list of names")
        elif "" in names:
            self._refuse("channels", "a name in the list is empty")
        elif len(set(names)) != len(names):
            twice = next(name for name in names if list(names).count(name) > 1)
            self._refuse("channels", f"{twice!r} is listed twice")
        return tuple(names)

    def delimiter(self, text: str) -> str:
        mark = {"tab": "\t", "\\t": "\t"}.get(text, text)
        if len(mark) != 1 or not mark.isascii() or mark.isalnum() or mark in "\r\n\0\"'+-._ ":
            self._refuse("delimiter", f"{text!r} is not one separating character such as ',', ';', '|' or 'tab'")
        return mark

    def encoding(self, name: str) -> str:
        try:
            return _CODECS[codecs.lookup(name).name]
        except (LookupError, ValueError):
            self._refuse("encoding", f"{name!r} is not one of: {', '.join(ENCODINGS)}")
            return name

    def layout_columns(self, options: ReadOptions) -> None:
        for field in ("channel_column", "value_column"):
            if options.layout is Layout.WIDE and getattr(options, field):
                self._refuse(field, f"{getattr(options, field)!r} is for the long layout, but the layout is wide")

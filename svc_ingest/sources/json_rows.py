"""Rows of a JSON file, one at a time in bounded memory: JSON lines, or one array."""

from __future__ import annotations

import codecs
import gzip
import json
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, Any, cast

from shared.errors import InvalidInputError

CHUNK_BYTES = 2**16
# No escape sequence and no literal is longer: an error farther from the end is not one of a cut text.
LONGEST_ATOM = 16
SPACE = " \t\r\n"
GZIP = b"\x1f\x8b"


def json_rows(path: Path, *, max_row_bytes: int) -> Generator[tuple[str, Any]]:
    """Each row with its place: `line 3` where each line is one, `item 3` where the file is an array.

    A byte order mark and empty lines are passed over; gzip is told by its first bytes.

    Raises:
        InvalidInputError: naming the line or the item that is no JSON, no UTF-8 or too long.
    """
    with _opened(path) as file:
        text = _Text(_decoded(file), max_row_bytes)
        yield from _items(text) if text.begins_with("[") else _lines(text)


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        is_gzip = file.read(len(GZIP)) == GZIP
    return cast("IO[bytes]", gzip.open(path)) if is_gzip else path.open("rb")


def _decoded(file: IO[bytes]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    read = 0
    try:
        while chunk := file.read(CHUNK_BYTES):
            yield decoder.decode(chunk)
            read += len(chunk)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        reason = f"byte {error.object[error.start]:#04x} near byte {read} of the file is not text in utf-8"
        raise InvalidInputError.of("file", reason) from None
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidInputError.of("file", f"cannot be unpacked: {error}") from error


class _Text:
    """Text that is read as far as it is needed, and forgotten once it is taken."""

    def __init__(self, pieces: Iterator[str], max_row_bytes: int) -> None:
        self._pieces = pieces
        self._limit = max_row_bytes
        self.held = ""

    def read_more(self, place: str) -> bool:
        """Hold more of the file; False at its end."""
        # Twice as much each time, so that a long row is not scanned again for every small piece of it.
        wanted = len(self.held) + max(len(self.held), 1)
        if len(self.held) > self._limit:
            raise InvalidInputError.of("file", f"{place}: longer than {self._limit} bytes")
        pieces = [self.held]
        size = len(self.held)
        for piece in self._pieces:
            pieces.append(piece)
            size += len(piece)
            if size >= wanted:
                break
        more = size > len(self.held)
        self.held = "".join(pieces)
        return more

    def begins_with(self, mark: str) -> bool:
        """Whether the first character that is no space is `mark`; the spaces before it stay."""
        while not self.held.strip(SPACE) and self.read_more("the beginning"):
            pass
        if not self.held.strip(SPACE):
            raise InvalidInputError.of("file", "the file is empty")
        return self.held.lstrip(SPACE).startswith(mark)

    def skip_space(self, place: str) -> str:
        """Take spaces; the character behind them, empty at the end of the file."""
        while True:
            self.held = self.held.lstrip(SPACE)
            if self.held or not self.read_more(place):
                return self.held[:1]

    def take(self, count: int) -> None:
        """Forget characters at the beginning."""
        self.held = self.held[count:]


def _lines(text: _Text) -> Iterator[tuple[str, Any]]:
    number, start = 1, 0
    ended = False
    while not ended:
        place = f"line {number}"
        end = text.held.find("\n", start)
        if end < 0:
            # Lines before this one are forgotten only here: doing so for each would copy the rest each time.
            text.take(start)
            start = 0
            if text.read_more(place):
                continue
            end, ended = len(text.held), True
        line = text.held[start:end].strip(SPACE)
        start = end + 1
        if line:
            yield place, _parsed(line, place)
        number += 1


def _items(text: _Text) -> Iterator[tuple[str, Any]]:
    text.skip_space("the array")
    text.take(1)
    number = 1
    while True:
        place = f"item {number}"
        mark = text.skip_space(place)
        if mark == "]" and number == 1:
            raise InvalidInputError.of("file", "the array is empty")
        yield place, _next_value(text, place)
        mark = text.skip_space(place)
        text.take(1)
        if mark == "]":
            break
        if mark != ",":
            raise InvalidInputError.of("file", f"{place}: after it comes {mark!r}; due is ',' or ']'")
        number += 1
    if text.skip_space("the end"):
        raise InvalidInputError.of("file", "text follows the end of the array")


def _next_value(text: _Text, place: str) -> Any:
    while True:
        try:
            value, end = json.JSONDecoder(parse_constant=_refuse).raw_decode(text.held)
        except json.JSONDecodeError as error:
            if not _is_cut(error, text.held) or not text.read_more(place):
                raise InvalidInputError.of("file", f"{place}: is no JSON: {error}") from error
            continue
        except (ValueError, RecursionError) as error:
            raise InvalidInputError.of("file", f"{place}: is no JSON: {error}") from error
        # A number at the end of what is held may go on behind it; objects and texts have ends of their own.
        if end < len(text.held) or not text.read_more(place):
            text.take(end)
            return value


def _is_cut(error: json.JSONDecodeError, held: str) -> bool:
    """Whether the error may come from the end of what is held, not from the file."""
    return error.msg.startswith("Unterminated string") or error.pos > len(held) - LONGEST_ATOM


def _parsed(line: str, place: str) -> Any:
    try:
        return json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        reason = f"{place}: is no JSON object on one line ({error}); give one object a line, or one array"
        raise InvalidInputError.of("file", reason) from error


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")

"""A text file as blocks of whole lines in UTF-8, checked for what a parser must never see."""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from shared.errors import InvalidInputError
from svc_ingest.domain.options import ReadOptions
from svc_ingest.domain.times import Int64s

BLOCK_BYTES = 4 * 2**20
NEWLINE = ord("\n")
BOM = codecs.BOM_UTF8
# Blank lines at the end of a file are no rows; a longer run of them inside one is told as a line without a time.
MAX_BLANK_TAIL = 4096
LONE_RETURN = re.compile(rb"\r(?!\n)")
GZIP = b"\x1f\x8b"
FOREIGN = {
    b"PK\x03\x04": "a zip archive or a spreadsheet",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
    b"PAR1": "a Parquet file (its source is parquet)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LineBlock:
    """Whole lines of UTF-8: `count` of them, the first being number `first` of the file; its last may lack an end."""

    data: bytes
    first: int
    count: int

    def split_first(self) -> tuple[bytes, LineBlock | None]:
        """The first line without its end, and the others if there are any."""
        line, _, rest = self.data.partition(b"\n")
        others = LineBlock(data=rest, first=self.first + 1, count=self.count - 1) if rest else None
        return line.removesuffix(b"\r"), others

    def line_ends(self) -> Int64s:
        """Where in `data` each line ends and the next begins, shape [count]."""
        ends = np.flatnonzero(np.frombuffer(self.data, dtype=np.uint8) == NEWLINE) + 1
        return ends if self.data.endswith(b"\n") else np.append(ends, len(self.data))

    def line(self, row: int) -> bytes:
        """One line with its end, counted from 0."""
        ends = self.line_ends()
        return self.data[ends[row - 1] if row else 0 : ends[row]]

    def first_lines(self, count: int) -> LineBlock:
        """The block's first lines."""
        return LineBlock(data=self.data[: self.line_ends()[count - 1]], first=self.first, count=count)


def line_blocks(path: Path, options: ReadOptions) -> Iterator[LineBlock]:
    """The file's lines in order, plain or gzip; holds one block and one unfinished line at a time.

    Raises:
        InvalidInputError: a line longer than `max_line_bytes` (which is never held whole), bytes that are not text
            in the encoding, a NUL byte, a lone carriage return, another kind of file.
    """
    carry, first, offset = b"", 1, 0
    with closing(_utf8_chunks(path, options.encoding)) as chunks:
        for chunk in chunks:
            if offset == 0 and not carry and chunk.startswith(BOM):
                data, offset = chunk[len(BOM) :], len(BOM)
            else:
                data = carry + chunk
            _check_lengths(data, first, options.max_line_bytes)
            end = _end_of_lines(data)
            if end:
                block = _checked(data[:end], first, offset)
                yield block
                first += block.count
                offset += end
            carry = data[end:]
    carry = carry.rstrip(b"\r\n")
    if carry:
        yield _checked(carry, first, offset)


def _utf8_chunks(path: Path, encoding: str) -> Generator[bytes]:
    chunks = _byte_chunks(path)
    return chunks if encoding == "utf-8" else _recoded(chunks, encoding)


def _byte_chunks(path: Path) -> Generator[bytes]:
    with path.open("rb") as stream:
        magic = stream.read(6)
        stream.seek(0)
        for mark, what in FOREIGN.items():
            if magic.startswith(mark):
                raise InvalidInputError.of("file", f"this is {what}, not CSV text; plain text and gzip are read")
        if not magic.startswith(GZIP):
            yield from iter(lambda: stream.read(BLOCK_BYTES), b"")
            return
        with gzip.open(stream) as unzipped:
            yield from _unzipped_chunks(unzipped)


def _unzipped_chunks(stream: gzip.GzipFile) -> Iterator[bytes]:
    try:
        yield from iter(lambda: stream.read(BLOCK_BYTES), b"")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InvalidInputError.of("file", f"the gzip data is damaged or cut short: {error}") from error


def _recoded(chunks: Iterator[bytes], encoding: str) -> Generator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    line, offset = 1, 0
    for chunk, final in _with_last(chunks):
        before = decoder.getstate()
        try:
            text = decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            # The decoder's own bytes from the chunk before come first in what it failed on.
            kept = len(before[0])
            decoder.setstate(before)
            line += decoder.decode(chunk[: max(error.start - kept, 0)]).count("\n")
            raise _not_text(encoding, line, offset - kept + error.start) from error
        line += text.count("\n")
        offset += len(chunk)
        yield text.encode()


def _with_last(chunks: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    for chunk in chunks:
        yield chunk, False
    yield b"", True


def _check_lengths(data: bytes, first: int, limit: int) -> None:
    """Hop as far as one line may reach, to the last line end there: a hop that finds none is in too long a line."""
    start = 0
    while len(data) - start > limit:
        end = data.rfind(b"\n", start, start + limit + 1)
        if end < 0:
            number = first + data.count(b"\n", 0, start)
            reason = f"line {number}: longer than max_line_bytes ({limit}); is the delimiter or the file right?"
            raise InvalidInputError.of("file", reason)
        start = end + 1


def _end_of_lines(data: bytes) -> int:
    """Where the last line that is whole and not blank ends, 0 if there is none."""
    end = data.rfind(b"\n") + 1
    text = end
    while text and end - text < MAX_BLANK_TAIL and data[text - 1] in b"\r\n":
        text -= 1
    if end - text >= MAX_BLANK_TAIL:
        return end
    return data.find(b"\n", text) + 1 if text else 0


def _checked(data: bytes, first: int, offset: int) -> LineBlock:
    """The block, once it is sure to be text; `offset` is its place in the file, in bytes."""
    block = LineBlock(data=data, first=first, count=data.count(b"\n") + (not data.endswith(b"\n")))
    nul = data.find(b"\0")
    if nul >= 0:
        reason = f"line {_line_at(block, nul)}: has a NUL byte, so it is no text in this encoding; is it utf-16?"
        raise InvalidInputError.of("file", reason)
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError as error:
            raise _not_text("utf-8", _line_at(block, error.start), offset + error.start) from error
    if b"\r" in data and (lone := LONE_RETURN.search(data)):
        reason = (
            f"line {_line_at(block, lone.start())}: has a carriage return that ends no line; lines end in \\n or \\r\\n"
        )
        raise InvalidInputError.of("file", reason)
    return block


def _line_at(block: LineBlock, place: int) -> int:
    return block.first + block.data.count(b"\n", 0, place)


def _not_text(encoding: str, line: int, offset: int) -> InvalidInputError:
    reason = (
        f"line {line}, byte {offset} of the file: not text in {encoding}; choose its encoding, such as gbk or latin-1"
    )
    return InvalidInputError.of("file", reason)

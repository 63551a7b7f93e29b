"""Every bad CSV gets one clear error with the line of the file; the header is line 1."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import pytest

Refused = Callable[..., str]


def rows(*cells: str, header: str = "time,a") -> str:
    """A file whose times are seconds after midnight."""
    return header + "\n" + "".join(f"2024-01-01T00:{i // 60:02}:{i % 60:02},{cell}\n" for i, cell in enumerate(cells))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "file: the file is empty"),
        ("\n\r\n", "file: the file is empty"),
        ("\ufeff", "file: the file is empty"),
        ("time,a", "file: there is a header, but no row of data"),
        ("time,a\n\n\n", "file: there is a header, but no row of data"),
        ("a,b\n1,2\n", "options.time_column: no column's name says time"),
        ("0,1.5\n1,2.5\n", "file: the first line must name the columns"),
        ("time,a,,b\n", "file: line 1: column 3 has no name"),
        (" , \n", "file: line 1: must name the columns, but is empty"),
        ("time,a,b,a\n", "file: columns 2 and 4 are both called 'a'"),
        ('time,"a\n', "file: line 1: a quoted cell does not end in its line"),
        ("time,a\n5\n", "file: line 2: has 1 cell where the header has 2"),
        (rows("1", "2,3"), "file: line 3: has 3 cells where the header has 2"),
        (rows("1", "2").replace(",2", ""), "file: line 3: has 1 cell where the header has 2"),
        (rows("1", "2", "3").replace("2\n", "2\n\n"), "file: line 4: the line is empty"),
        (rows("1", "2\n  "), "file: line 4"),
        (rows("1", "NaN", "inf"), "file: line 3, column 'a': NaN is not a number; leave the cell empty, or choose"),
        (rows("1", "-nan"), "file: line 3, column 'a': NaN is not a number"),
        (rows("1", "inf"), "file: line 3, column 'a': the value is infinite or too large"),
        (rows("1", "-Infinity"), "file: line 3, column 'a': the value is infinite or too large"),
        (rows("1", "1e999"), "file: line 3, column 'a': the value is infinite or too large"),
        (rows("1", "2", "hot", "4"), "file: line 4, column 'a': 'hot' is not a number, as earlier lines have"),
        (rows("1", "0x10"), "file: line 3, column 'a': '0x10' is not a number"),
        (rows("1", "1_000"), "file: line 3, column 'a': '1_000' is not a number"),
        (rows("1", "true"), "file: line 3, column 'a': 'true' is not a number"),
        (
            rows("1", "NA"),
            "file: line 3, column 'a': 'NA' is not a number; leave the cell empty, or choose missing=keep",
        ),
        (rows("1", " "), "file: line 3, column 'a': holds only spaces"),
        (rows("1", '"1,5"'), "file: line 3, column 'a': '1,5' has a comma; write numbers with a decimal point"),
        (rows("1,5", "2,5"), "file: line 2: has 3 cells where the header has 2; a comma inside a cell needs quotes"),
        (rows("x" * 500), f"file: line 2, column 'a': '{'x' * 60}...' is not a number"),
        (rows("1", '"2', "3", "4"), "file: line 3: a quoted cell does not end in its line"),
        (rows("1", '"2', '3"', "4"), "file: line 3: a quoted cell does not end in its line"),
        (rows("1", "2\0"), "file: line 3: has a NUL byte"),
        (rows("1", "2").replace("\n", "\r"), "file: line 1: has a carriage return that ends no line"),
        (rows("1", "2\r3"), "file: line 3: has a carriage return that ends no line"),
        (rows("", "", ""), "file: no row has a value for 'a'; leave it out"),
        ("time,a\n2024-01-02,1\n2024-01-02,2\n", "file: line 3: the time 2024-01-02T00:00:00Z is there twice"),
        ("time,a\n2024-01-02,1\n2024-01-01,2\n", "file: line 3: the time 2024-01-01T00:00:00Z comes after 2024-01-02"),
        ("PK\x03\x04", "file: this is a zip archive or a spreadsheet, not CSV text"),
        ("PAR1....", "file: this is a Parquet file"),
    ],
)
def test_each_mistake_is_told_with_its_line(refused: Refused, content: str, says: str) -> None:
    assert refused(content).startswith(says)


@pytest.mark.parametrize("bad_line", [2, 3, 7, 40])
@pytest.mark.parametrize(
    ("cell", "says"),
    [("hot", "'hot' is not a number"), ("nan", "NaN is not a number"), ("1,2", "has 3 cells"), ('"1', "a quoted cell")],
)
def test_the_line_is_right_across_blocks(
    small_blocks: None, refused: Refused, bad_line: int, cell: str, says: str
) -> None:
    cells = ["1"] * 60
    cells[bad_line - 2] = cell
    message = refused(rows(*cells))
    assert message.startswith(f"file: line {bad_line}")
    assert says in message


def test_order_is_checked_across_blocks(small_blocks: None, refused: Refused) -> None:
    lines = rows(*["1"] * 60).splitlines(keepends=True)
    for line in range(2, 61):
        assert f"line {line + 1}: the time" in refused("".join([*lines[:line], lines[line - 1], *lines[line:]]))


def test_of_several_mistakes_the_first_line_is_told(refused: Refused) -> None:
    lines = rows("1", "2", "3", "4", "5").splitlines(keepends=True)
    lines[5] = "2024-01-01T00:00:04,hot\n"
    assert "line 6" in refused("".join(lines))
    lines[4] = "2024-01-01T00:00:03,NaN\n"
    assert "line 5" in refused("".join(lines))
    lines[3] = lines[2]
    assert "line 4: the time" in refused("".join(lines))


def test_a_text_column_is_named_with_how_to_leave_it_out(ingest: Callable[..., Any], refused: Refused) -> None:
    text = rows("1,ok,2", '2,"bad, very",3', header="time,a,state,b")
    message = refused(text)
    assert message.startswith("file: line 2, column 'state': 'ok' is not a number; if the column is no channel")
    assert message.endswith("choose the others with channels (a, b)")
    assert ingest(text, channels=["a", "b"]).columns()["b"] == [2.0, 3.0]


def test_an_inch_mark_in_a_column_left_out_is_no_open_quote(refused: Refused) -> None:
    text = rows('1,5" pipe', "2,6", "x,7", header="time,a,note")
    assert refused(text, channels=["a"]).startswith("file: line 4, column 'a': 'x' is not a number")


def test_decimal_commas_beside_semicolons(refused: Refused) -> None:
    message = refused("time;a\n2024-01-01;1,5\n", delimiter=";")
    assert message.startswith("file: line 2, column 'a': '1,5' has a comma")


@pytest.mark.parametrize("end", ["\n", ""])
def test_a_line_may_be_as_long_as_max_line_bytes_and_no_longer(
    ingest: Callable[..., Any], refused: Refused, end: str
) -> None:
    line = "2024-01-01T00:00:01," + "0" * 43 + "1"
    assert len(line) == 64
    head = "time,a\n2024-01-01T00:00:00,1\n"
    assert ingest(head + line + end, max_line_bytes=64).facts.rows == 2
    longer = line.replace(",", ",0")
    assert refused(head + longer + end, max_line_bytes=64).startswith("file: line 3: longer than max_line_bytes (64)")


def test_a_long_line_is_told_across_blocks(small_blocks: None, refused: Refused) -> None:
    cells = ["1"] * 30
    cells[20] = "1" * 1000
    assert "line 22: longer than max_line_bytes (64)" in refused(rows(*cells), max_line_bytes=64)


def test_wrong_encoding_is_told_with_line_and_byte(small_blocks: None, refused: Refused) -> None:
    text = rows(*["1"] * 20)
    good = text.encode()
    assert f"line 22, byte {len(good) + 1} of the file: not text in utf-8" in refused(good + b"x\xff,1\n")
    assert "line 22, byte" in refused(good + "2024,温".encode("gbk"), encoding="ascii")
    broken = text.encode("utf-16-le") + b"\x00\xd8a\x00"
    assert f"line 22, byte {len(broken) - 4} of the file" in refused(broken, encoding="utf-16-le")


def test_utf_16_is_guessed_from_its_nul_bytes(refused: Refused) -> None:
    assert "is it utf-16?" in refused(rows("1").encode("utf-16"))


@pytest.mark.parametrize(
    "damage", [lambda z: z[:-9], lambda z: z[:30] + b"\0\0\0" + z[33:], lambda z: z[:-8] + b"12345678"]
)
def test_damaged_gzip(refused: Refused, damage: Callable[[bytes], bytes]) -> None:
    zipped = gzip.compress(rows(*(str(i) for i in range(40))).encode(), mtime=0)
    assert "gzip data is damaged or cut short" in refused(damage(zipped))

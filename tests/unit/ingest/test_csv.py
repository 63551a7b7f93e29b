"""CSV files that are fine, in all the ways they are written."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import pytest

Ingest = Callable[..., Any]

DAY = 1_704_067_200 * 10**9
TEXT = "time,温度,b\n2024-01-01,1.5,-2e-3\n2024-01-02,,.5\n2024-01-04,3,+7\n"
COLUMNS = {
    "time": [DAY, DAY + 86400 * 10**9, DAY + 3 * 86400 * 10**9],
    "温度": [1.5, None, 3.0],
    "b": [-0.002, 0.5, 7.0],
}


@pytest.mark.parametrize(
    "content",
    [
        TEXT,
        TEXT.rstrip("\n"),
        TEXT + "\n\r\n\n",
        "\ufeff" + TEXT,
        TEXT.replace("\n", "\r\n"),
        TEXT.replace(",", " ,")
        .replace("01 ,", "01,")
        .replace("02 ,", "02,")
        .replace("04 ,", "04,")
        .replace(" ,.5", ",.5"),
        '"time","温度","b"\n"2024-01-01","1.5","-2e-3"\n"2024-01-02","",".5"\n"2024-01-04","3","+7"\n',
        gzip.compress(TEXT.encode(), mtime=0),
        gzip.compress(TEXT[:30].encode(), mtime=0) + gzip.compress(TEXT[30:].encode(), mtime=0),
    ],
)
def test_the_same_series_in_many_spellings(ingest: Ingest, content: str | bytes) -> None:
    made = ingest(content)
    assert made.columns() == COLUMNS
    assert made.facts.channels == ("温度", "b")


@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "gbk", "gb18030", "big5", "shift_jis"]
)
def test_encodings(ingest: Ingest, small_blocks: None, encoding: str) -> None:
    name = "温度" if encoding not in {"shift_jis", "big5"} else "温度計" if encoding == "shift_jis" else "溫度"
    content = TEXT.replace("温度", name).encode(encoding)
    assert ingest(content, encoding=encoding).columns()[name] == COLUMNS["温度"]


@pytest.mark.parametrize("delimiter", [";", "|", "tab", ":"])
def test_delimiters(ingest: Ingest, delimiter: str) -> None:
    mark = "\t" if delimiter == "tab" else delimiter
    assert ingest(TEXT.replace(",", mark), delimiter=delimiter).columns() == COLUMNS


def test_chosen_channels(ingest: Ingest) -> None:
    assert ingest(TEXT, channels=["b"]).columns() == {"time": COLUMNS["time"], "b": COLUMNS["b"]}


def test_missing_words_are_kept_as_missing_where_asked(ingest: Ingest) -> None:
    text = "time,a\n2024-01-01,NaN\n2024-01-02,NA\n2024-01-03,null\n2024-01-04,nan\n2024-01-05,\n2024-01-06,1\n"
    assert ingest(text, missing="keep").columns()["a"] == [None] * 5 + [1.0]


def test_blocks_leave_no_trace(ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    from svc_ingest.sources import lines

    text = "time,a,b\n" + "".join(f"{i},{i / 7},{'' if i % 3 else i}\n" for i in range(500)) + "\n" * 300
    whole = ingest(text, time_format="index").path.read_bytes()
    for size in (1, 7, 64, 1000):
        monkeypatch.setattr(lines, "BLOCK_BYTES", size)
        assert ingest(text, time_format="index").path.read_bytes() == whole


def test_a_file_of_several_real_blocks(ingest: Ingest) -> None:
    rows = 700_000
    text = "time,a\n" + "".join(f"{1_700_000_000_000 + i},{i}.25\n" for i in range(rows))
    made = ingest(text, time_format="ms")
    assert made.facts.rows == rows
    assert made.facts.end == (1_700_000_000_000 + rows - 1) * 10**6
    assert made.columns()["a"][-1] == rows - 1 + 0.25


def test_fractions_of_seconds_may_begin_late(ingest: Ingest, small_blocks: None) -> None:
    times = [*range(50), 49.5, 50]
    text = "time,a\n" + "".join(f"{time},1\n" for time in times)
    assert ingest(text, time_format="s").columns()["time"] == [int(time * 10**9) for time in times]

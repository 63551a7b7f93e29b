"""Files of conversations: JSON lines and arrays, in bounded memory, each fault with its place."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.chat import CHAT_FILE, MAX_ROW_BYTES, conversation_of_line
from shared.errors import InvalidInputError
from svc_ingest.domain.jobs import StoppedError
from svc_ingest.domain.made import Made
from svc_ingest.sources.base import DatasetSource, NoParameters, find_source
from svc_ingest.sources.chat import SOURCE


def row(number: int, text: str = "是的。") -> dict[str, Any]:
    return {
        "id": f"q{number}",
        "conversations": [{"from": "human", "value": f"第 {number} 个？"}, {"from": "gpt", "value": text}],
    }


def make(tmp_path: Path, data: bytes) -> Made:
    path = tmp_path / "in.json"
    path.write_bytes(data)
    return SOURCE.make(path, NoParameters(), tmp_path, lambda: False)


def lines(rows: list[Any]) -> bytes:
    return "\n".join(json.dumps(one, ensure_ascii=False) for one in rows).encode()


def array(rows: list[Any]) -> bytes:
    return json.dumps(rows, indent=2).encode()


def stored(made: Made) -> bytes:
    return made.files[CHAT_FILE].read_bytes()


def test_the_source_makes_chat() -> None:
    assert isinstance(find_source("chat"), DatasetSource)
    assert not isinstance(find_source("csv"), DatasetSource)


@pytest.mark.parametrize("count", [1, 3, 700])
def test_lines_and_arrays_of_any_length_give_the_same_bytes(tmp_path: Path, count: int) -> None:
    rows = [row(number, "长" * (number * 37 % 900 + 1)) for number in range(count)]
    files = [
        lines(rows),
        array(rows),
        b"\xef\xbb\xbf\n" + lines(rows) + b"\r\n\n",
        gzip.compress(array(rows)),
        json.dumps(rows).encode() + b" \n",
    ]
    made = [make(tmp_path, data) for data in files]
    first = stored(made[0])
    assert [json.loads(line)["id"] for line in first.splitlines()] == [one["id"] for one in rows]
    for data, one in zip(files, made, strict=True):
        assert stored(make(tmp_path, data)) == first
        assert one.meta == made[0].meta


def test_the_facts_are_counted(tmp_path: Path) -> None:
    made = make(tmp_path, lines([row(1), {"system": "简短", **row(2)}]))
    assert (made.kind, made.rows, made.channels) == ("chat/v1", 2, ())
    assert made.meta == {
        "rows": 2, "conversations": 2, "turns": 5, "longest_turns": 3, "characters": 20, "has_system": True
    }  # fmt: skip
    assert conversation_of_line(stored(made).splitlines()[0], "line 1").id == "q1"


def test_a_row_larger_than_a_chunk_is_read(tmp_path: Path) -> None:
    rows = [row(1, "x" * 300_000), row(2)]
    assert stored(make(tmp_path, lines(rows))) == stored(make(tmp_path, array(rows)))


BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "the file is empty"),
    "spaces": (b" \n\n", "the file is empty"),
    "an empty array": (b"[ ]", "the array is empty"),
    "a bad line": (lines([row(1)]) + b"\n\n{'a': 1}\n", "line 3: is no JSON object on one line"),
    "a bad turn": (lines([row(1), {"conversations": []}]), "line 2: 'conversations' is []"),
    "a bad item": (array([row(1), row(2), {}]), "item 3: must have either 'conversations' or 'messages'"),
    "a cut array": (array([row(1), row(2)])[:-40], "item 2: is no JSON"),
    "an array without commas": (b"[" + lines([row(1), row(2)]) + b"]", "item 1: after it comes '{'"),
    "text behind the array": (array([row(1)]) + b"[]", "text follows the end of the array"),
    "no utf-8": ('{"id": "压力正常"}'.encode("gbk"), "is not text in utf-8"),
    "an id used twice": (lines([row(1), row(2), row(1)]), "line 3: the id 'q1' was used before"),
    "a wrong literal": (b'[{"id": NaN}]', "item 1: is no JSON"),
    "an early fault": (b'[{"id": 1,, "x": "' + b"y" * 200_000 + b'"}]', "item 1: is no JSON"),
    "deep nesting": (b"[" + b"[" * 200_000 + b"]" * 200_000 + b"]", "item 1"),
    "a damaged archive": (gzip.compress(lines([row(1)]))[:-9], "cannot be unpacked"),
    "a long line": (b'{"x": "' + b"y" * (2 * MAX_ROW_BYTES), "line 1: longer than 4194304 bytes"),
    "a long item": (b'[{"x": "' + b"y" * (2 * MAX_ROW_BYTES), "item 1: longer than 4194304 bytes"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_refused_with_the_place(tmp_path: Path, kind: str) -> None:
    data, reason = BAD[kind]
    with pytest.raises(InvalidInputError) as caught:
        make(tmp_path, data)
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 500


def test_it_stops_when_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(lines([row(number) for number in range(1000)]))
    answers = iter([False] * 3 + [True] * 100)
    with pytest.raises(StoppedError):
        SOURCE.make(path, NoParameters(), tmp_path, lambda: next(answers))

"""Zips of tool profiles: every row checked, every fault with its place."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.errors import InvalidInputError
from shared.planning.profile import read_profile
from svc_ingest.domain.jobs import StoppedError
from svc_ingest.domain.made import Made
from svc_ingest.sources import profile as source
from svc_ingest.sources.base import DatasetSource, NoParameters, find_source, source_for_path
from upwell.profile_grid import write_grid

HEADER = "tool,input_size,cpu_cores,memory_gb,gpu_sm,gpu_memory_gb,latency_ms"
TOOLS = [{"name": "缩放", "description": "改变图片大小。"}, {"name": "embed", "description": "Embeds.", "team": "a"}]
ROWS = ["embed,1,2,4,0,0,20.5", "缩放,1,2,4,0,0,7"]


def table(*rows: str, header: str = HEADER, end: str = "\n") -> bytes:
    return end.join([header, *rows, ""]).encode()


def zipped(path: Path, **members: bytes | None) -> Path:
    contents: dict[str, bytes | None] = {"tools.json": json.dumps(TOOLS).encode(), "profile.csv": table(*ROWS)}
    contents |= {name.replace("_", "."): data for name, data in members.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            if data is not None:
                archive.writestr(name, data)
    return path


def make(tmp_path: Path, path: Path | None = None, **members: bytes | None) -> Made:
    path = path or zipped(tmp_path / "in.zip", **members)
    return source.SOURCE.make(path, NoParameters(), tmp_path, lambda: False)


def test_it_is_found_by_its_ending() -> None:
    assert isinstance(find_source("profile"), DatasetSource)
    assert source_for_path("a/b.profile.ZIP").name == "profile"


def test_a_zip_becomes_a_profile_in_the_order_of_its_rows(tmp_path: Path) -> None:
    made = make(tmp_path)
    assert (made.kind, made.rows) == ("profile/v1", 2)
    assert made.meta == {"rows": 2, "tools": 2, "configurations": 2}
    profile = read_profile(tmp_path)
    assert [tool.name for tool in profile.tools] == ["缩放", "embed"]
    assert profile.tool_ids.tolist() == [1, 0]
    assert profile.configuration(0)["latency_ms"] == 20.5


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + table(*ROWS, end="\r\n"),
        table(*ROWS) + b"\n\r\n",
        table(*(f'"{row.split(",")[0]}", {row.partition(",")[2]}' for row in ROWS)),
        table("20.5,embed,1,2,4,-0,0", "7,缩放,1,2,4,0,0", header="latency_ms," + HEADER.removesuffix(",latency_ms")),
    ],
)
def test_other_spellings_give_the_same_bytes(tmp_path: Path, data: bytes) -> None:
    wanted = {name: path.read_bytes() for name, path in make(tmp_path).files.items()}
    tools = b"\xef\xbb\xbf" + json.dumps(TOOLS, ensure_ascii=False, indent=1).encode()
    found = make(tmp_path, profile_csv=data, tools_json=tools)
    assert {name: path.read_bytes() for name, path in found.files.items()} == wanted


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (["embed,1,x,4,0,0,20"], "line 2: cpu_cores: 'x' is not a finite number"),
        (["embed,1,,4,0,0,20"], "line 2: cpu_cores: '' is not a finite number"),
        (["embed,1,1_0,4,0,0,20"], "line 2: cpu_cores: '1_0' is not a finite number"),
        ([*ROWS, "embed,2,1,-4,0,0,20"], "line 4: memory_gb: -4 is negative"),
        ([*ROWS, "embed,2,1,NaN,0,0,20"], "line 4: memory_gb: 'NaN' is not a finite number"),
        ([*ROWS, "embed,2,1,4,inf,0,20"], "line 4: gpu_sm: 'inf' is not a finite number"),
        ([*ROWS, "embed,2,1,4,0,0,0"], "line 4: latency_ms: 0 is no time"),
        ([*ROWS, "embed,0,1,4,0,0,20"], "line 4: input_size: 0 is no size"),
        ([*ROWS, "embed,1e-300,1,4,0,0,20"], "line 4: input_size: 1e-300 is too small: write numbers from 1e-09 to"),
        ([*ROWS, "embed,2,1,1e39,0,0,20"], r"line 4: memory_gb: 1e39 is too large: write numbers from .* to 1e\+12"),
        ([*ROWS, "embd,2,1,4,0,0,9"], "line 4: tool: 'embd' is not in tools.json; did you mean 'embed'"),
        ([*ROWS, "embed,1.0,2,4,0,0,99"], "line 4: is the configuration of line 2 again"),
        ([*ROWS, "embed,1,2,4"], "line 4: has 4 cells; the header names 7 columns"),
        ([*ROWS, "", "embed,2,2,4,0,0,1"], "line 4: is empty"),
        ([*ROWS, '"embed,2'], "line 4: cannot be read: unexpected end of data"),
        (ROWS[:1], "tools.json item 1: '缩放' has no row in profile.csv"),
        ([], "profile.csv: there is a header, but no row"),
    ],
)
def test_a_faulty_row_is_told_with_its_line(tmp_path: Path, rows: list[str], says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        make(tmp_path, profile_csv=table(*rows))


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (HEADER.replace("gpu_sm", "gpu_sms"), "line 1: there is no column 'gpu_sms'; did you mean 'gpu_sm'"),
        (HEADER.replace(",gpu_sm", ""), "line 1: lacks gpu_sm: the columns are tool"),
        (HEADER + ",team", "line 1: there is no column 'team'; leave it out: the columns are tool, input_size"),
        (HEADER + ",latency", "line 1: there is no column 'latency'; leave it out"),
        (HEADER.replace(",", ";"), "line 1: is one cell, 'tool;.*': separate the cells by commas; the columns are"),
        (HEADER.replace(",", "\t"), r"line 1: is one cell, 'tool\\t.*': separate the cells by commas"),
        (HEADER + ",tool", "line 1: the column 'tool' is named twice"),
    ],
)
def test_a_faulty_header_is_told(tmp_path: Path, header: str, says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        make(tmp_path, profile_csv=table(*ROWS, header=header))


@pytest.mark.parametrize(
    ("tools", "says"),
    [
        ({}, "tools.json: must be a list of at least one tool"),
        ([], "tools.json: must be a list of at least one tool"),
        (["embed"], "tools.json item 1: is no tool"),
        ([TOOLS[0], {"name": " ", "description": "x"}], "item 2: name: must be a text that is not empty"),
        ([TOOLS[0], {"name": "a"}], "item 2: description: must be a text that is not empty, but is None"),
        ([{"name": "a", "description": "\ud800x"}], "item 1: description: .* holds half a character"),
        ([{"name": "a\nb", "description": "x"}], "item 1: name: .* is not one line"),
        ([TOOLS[0], TOOLS[0]], "item 2: name: '缩放' is that of item 1 too"),
        ([TOOLS[0], {"name": "b", "description": "改变图片大小。"}], "item 2: description: .* is that of item 1 too"),
    ],
)
def test_a_faulty_registry_is_told_with_its_item(tmp_path: Path, tools: Any, says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        make(tmp_path, tools_json=json.dumps(tools).encode())


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"profile_csv": None}, r"must hold tools\.json and profile\.csv and nothing else, but has tools\.json"),
        ({"notes_txt": b"x"}, r"but has notes\.txt, profile\.csv, tools\.json"),
        ({"profile_csv": b""}, "profile.csv line 1: lacks tool, input_size"),
        (
            {"profile_csv": table(*ROWS).decode().encode("gb18030")},
            "profile.csv: byte 0x.. is not text in utf-8: save it",
        ),
        (
            {"profile_csv": table(*ROWS).decode().encode("utf-16")},
            "csv: byte 0xff is not text in utf-8: save it as UTF-8",
        ),
        (
            {"profile_csv": table(*ROWS).decode().encode("utf-16-le")},
            "line 1: .* is not text in utf-8: save the file as",
        ),
        ({"tools_json": "[缩".encode("gb18030")}, "tools.json: byte 0x.. is not text in utf-8"),
        ({"tools_json": b'[{"n": ' + b"1" * 5000 + b"}]"}, "tools.json: holds a number that is too long"),
        ({"tools_json": b"[\n{"}, "tools.json line 2: is no JSON"),
        ({"tools_json": b"[" * 99999}, "tools.json: is nested too deeply|tools.json line 1: is no JSON"),
        ({"profile_csv": HEADER.encode() + b"\n" + b"e" * 2**20}, "profile.csv line 2: cannot be read: field larger"),
    ],
)
def test_a_faulty_archive_is_told(tmp_path: Path, members: dict[str, bytes | None], says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        make(tmp_path, **members)


def test_what_unpacks_to_too_much_is_refused_as_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_CSV_BYTES", 10_000)
    rows = [f"embed,{i},2,4,0,0,1" for i in range(2, 10_000)]
    path = zipped(tmp_path / "bomb.zip", profile_csv=table(*ROWS, *rows))
    with pytest.raises(InvalidInputError, match=r"profile\.csv: has more than 10000 bytes unpacked"):
        make(tmp_path, path)


def test_another_compression_is_refused_before_its_bytes_are_touched(tmp_path: Path) -> None:
    path = tmp_path / "in.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("tools.json", json.dumps(TOOLS))
        archive.writestr("profile.csv", table(*ROWS))
    with pytest.raises(InvalidInputError, match="is packed by an unusual method"):
        make(tmp_path, path)


def test_damage_is_told(tmp_path: Path) -> None:
    path = zipped(tmp_path / "in.zip")
    data = bytearray(path.read_bytes())
    data[data.index(b"tools.json") + len("tools.json") + 5] ^= 0xFF
    for damaged in (b"", b"PK", bytes(data), b"tool,input_size\n", bytes(data[: len(data) // 2])):
        path.write_bytes(damaged)
        with pytest.raises(InvalidInputError, match="is no zip archive that can be read"):
            make(tmp_path, path)


def test_it_stops_when_told(tmp_path: Path) -> None:
    with pytest.raises(StoppedError):
        source.SOURCE.make(zipped(tmp_path / "in.zip"), NoParameters(), tmp_path, lambda: True)


def test_the_made_up_grid_is_taken(tmp_path: Path) -> None:
    write_grid(tmp_path / "grid.zip")
    made = make(tmp_path, tmp_path / "grid.zip")
    assert made.meta == {"rows": 1701, "tools": 7, "configurations": 1701}
    profile = read_profile(tmp_path)
    assert np.bincount(profile.tool_ids).tolist() == [243] * 7
    assert [len(set(column)) for column in profile.numbers.T[:-1]] == [3] * 5


def test_memory_grows_with_neither_names_nor_depth(tmp_path: Path) -> None:
    text = io.StringIO()
    json.dump([{"name": f"t{i}", "description": f"Job {i}."} for i in range(10_001)], text)
    with pytest.raises(InvalidInputError, match="has 10001 tools; at most 10000"):
        make(tmp_path, tools_json=text.getvalue().encode())

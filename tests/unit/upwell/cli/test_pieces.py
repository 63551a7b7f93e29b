"""What the commands are made of: reading, drawing, writing."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
import typer
from google.protobuf import struct_pb2
from rich.console import Console

from upwell.cli import output
from upwell.cli.assignments import parse_settings
from upwell.cli.facts import fact_text, facts_in_order
from upwell.cli.fields import field_line, made_lines, months_shown
from upwell.cli.lineage import lineage_tree
from upwell.cli.output import place_in_time, print_json, print_table, row_count, size
from upwell.cli.plot import sparkline
from upwell.cli.preview import preview_lines
from upwell.cli.seriesfile import read_series
from upwell.cli.session import parse_version
from upwell.common.v1 import common_pb2
from upwell.errors import ToolError
from upwell.ingest.v1 import ingest_service_pb2
from upwell.lineage.graph import piece_of
from upwell.registry.v1 import lineage_service_pb2


def buckets(*pairs):
    return [
        ingest_service_pb2.Bucket(min=pair[0], max=pair[1], count=1) if pair else ingest_service_pb2.Bucket()
        for pair in pairs
    ]


def test_a_sparkline_rises_with_the_values_and_leaves_gaps_blank():
    assert sparkline(buckets((0, 0), (1, 1), None, (3, 5), (8, 8))) == "▁▂ ▅█"
    assert sparkline(buckets((2, 2), (2, 2))) == "▅▅"
    assert sparkline(buckets(None, None)) == "  "


def test_a_preview_of_a_field_says_what_it_holds():
    channels = [{"name": "sst", "units": "degC"}, {"name": "taux", "units": "N m-2"}]
    line = field_line({"start": "1982-01", "end": "2010-12", "channels": channels})
    assert line == "1982-01 to 2010-12: sst (degC), taux (N m-2)"


def test_what_was_made_of_a_field_and_that_it_has_no_land():
    meta = {"start": "1982-01", "end": "2010-12", "channels": [{"name": "sst", "units": "degC"}], "land_share": 0.1234}
    meta["grid"] = {"lat": [-20.0, 20.0, 21.0], "lon": [120.5, 290.0, 86.0]}
    lines = ["1982-01 to 2010-12: sst (degC)", "21 x 86 cells, lat -20 to 20, lon 120.5 to 290, 12.3% land"]
    assert made_lines(meta) == lines
    told = made_lines(meta | {"land_share": 0.0})
    assert told[1].endswith(", 0.0% land")
    assert told[2].startswith("no land found: if the file holds 0 there, set land_below")


def test_a_preview_names_channel_extent_and_beginning():
    answer = ingest_service_pb2.PreviewResponse(time="utc", rows=2)
    answer.channels.add(channel="温度", buckets=buckets((1, 2), (0.5, 3)))
    answer.channels[0].buckets[0].start_time = 1_700_000_000_500_000_000
    assert preview_lines(answer) == ["温度  (0.5 .. 3; from 2023-11-14 22:13:20.5Z)", "▁█"]
    answer.time = "index"
    answer.channels[0].buckets[0].start_row = 7
    assert preview_lines(answer)[0] == "温度  (0.5 .. 3; first row 7)"
    drawn = preview_lines(answer, units="degC", months="1982-01 to 1982-02")
    assert drawn[0] == "温度  (0.5 .. 3 degC; 1982-01 to 1982-02)"


def test_rows_of_a_field_are_months():
    assert months_shown({"start": "1981-11"}, 0, 13) == "1981-11 to 1982-12"
    assert months_shown({"start": "1981-11"}, 1, 1) == "1981-12 to 1981-12"


def test_facts_come_in_a_known_order_and_empty_ones_do_not():
    channels = [{"units": "degC", "name": "sst"}]
    facts = {"end": "2010-12", "given_as_anomalies": [], "aside": 0.0, "rows": 3.0, "channels": channels, "time": ""}
    assert [name for name, _ in facts_in_order(facts)] == ["rows", "end", "channels", "aside"]
    assert fact_text(channels) == "name=sst units=degC"
    assert fact_text([{"name": "p"}, {"name": "q"}]) == "p, q"
    assert fact_text({"end": "2010-12", "start": "1982-01", "none": []}) == "start=1982-01 end=2010-12"


@pytest.mark.parametrize(
    ("pairs", "settings"),
    [
        (["a=1", "b=x", "c=[1,2]", "d=true", "e=1e-3"], {"a": 1, "b": "x", "c": [1, 2], "d": True, "e": 0.001}),
        (["path=a=b"], {"path": "a=b"}),
        (["empty="], {"empty": ""}),
        (None, {}),
    ],
)
def test_settings_are_read_as_json_where_they_are(pairs, settings):
    assert parse_settings(pairs) == settings


@pytest.mark.parametrize("pair", ["novalue", "=1"])
def test_a_setting_without_key_or_value_is_bad_usage(pair):
    with pytest.raises(typer.BadParameter, match="KEY=VALUE"):
        parse_settings([pair])


def test_a_version_needs_a_number():
    assert parse_version("pump@12") == ("pump", 12)
    for wrong in ("pump", "pump@", "pump@x", "@1"):
        with pytest.raises(ToolError, match="NAME@NUMBER"):
            parse_version(wrong)


def series_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "new.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_series_file_with_an_index(tmp_path):
    read = read_series(series_file(tmp_path, "Index,压力,b\n5,1.5,2\n6,3,4e1\n\n"))
    assert list(read.series.times) == [5, 6]
    assert {channel.name: list(channel.values) for channel in read.series.channels} == {
        "压力": [1.5, 3.0],
        "b": [2.0, 40.0],
    }
    assert not read.clock


def test_a_series_file_with_a_clock(tmp_path):
    text = "time,a\n2026-01-01T00:00:00Z,1\n2026-01-01T01:00:00.000001+01:00,2\n"
    read = read_series(series_file(tmp_path, text))
    assert list(read.series.times) == [1_767_225_600_000_000_000, 1_767_225_600_000_001_000]
    assert read.clock


def test_a_series_file_without_a_time(tmp_path):
    read = read_series(series_file(tmp_path, "a\n1\n2\n"))
    assert not read.series.times


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("a,b\n", "no rows"),
        ("index\n1\n", "no column of values"),
        ("a\n1\nx\n", "line 3, column a: 'x' is not a number"),
        ("a\nnan\n", "finite"),
        ("a\ninf\n", "finite"),
        ("a,b\n1\n", "line 2: 1 fields where the header names 2"),
        ("index,a\n1,1\n2.5,1\n", "line 3, column index: '2.5' is not a whole number"),
        ("time,a\n2026-01-01,1\nyesterday,1\n", "line 3, column time: 'yesterday' is not a time"),
    ],
)
def test_a_bad_series_file_is_one_clear_error(tmp_path, text, message):
    with pytest.raises(ToolError, match=message):
        read_series(series_file(tmp_path, text))


def test_a_missing_or_binary_series_file_is_one_clear_error(tmp_path):
    with pytest.raises(ToolError, match="cannot be read"):
        read_series(tmp_path / "nothing.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ToolError, match="not UTF-8"):
        read_series(tmp_path / "binary.csv")


def drawn(tree) -> list[str]:
    console = Console(width=200, color_system=None)
    with console.capture() as capture:
        console.print(tree)
    return capture.get().splitlines()


def graph(root: str, *edges: tuple[str, str]):
    answer = lineage_service_pb2.GetLineageResponse(root=root)
    keys = {root, *(key for edge in edges for key in edge)}
    for key in sorted(keys):
        answer.nodes.add(key=key, type=key.partition("/")[0], label=key.partition("/")[2].upper(), seen=True)
    for parent, child in edges:
        answer.edges.add(parent=parent, child=child)
    return answer


def test_a_tree_draws_what_is_shared_once():
    diamond = graph(
        "model/m",
        ("run/r", "model/m"),
        ("dataset/a", "run/r"),
        ("dataset/b", "run/r"),
        ("source/s", "dataset/a"),
        ("dataset/a", "dataset/b"),
    )
    assert drawn(lineage_tree(piece_of(diamond.root, diamond.nodes, diamond.edges), up=True)) == [
        "model M",
        "└── run R",
        "    ├── dataset A",
        "    │   └── source S",
        "    └── dataset B",
        "        └── dataset A (see above)",
    ]


def test_a_deleted_version_keeps_its_place_in_the_tree():
    answer = graph("dataset/a", ("dataset/a", "model/m"))
    next(node for node in answer.nodes if node.key == "model/m").deleted = True
    assert drawn(lineage_tree(piece_of(answer.root, answer.nodes, answer.edges), up=False)) == [
        "dataset A",
        "└── model M (deleted)",
    ]


def test_a_tree_downwards_and_a_node_not_seen_yet():
    answer = graph("dataset/a", ("dataset/a", "run/r"))
    next(node for node in answer.nodes if node.key == "run/r").seen = False
    assert drawn(lineage_tree(piece_of(answer.root, answer.nodes, answer.edges), up=False)) == [
        "dataset A",
        "└── run R (not seen yet)",
    ]


def test_messages_are_printed_as_json_with_the_contracts_names(capsys):
    print_json([common_pb2.DatasetRef(name="泵", version=3)])
    assert json.loads(capsys.readouterr().out) == [{"name": "泵", "version": 3, "manifest_digest": ""}]


def test_a_table_in_a_pipe_is_not_cut(capsys):
    print_table(["name", "n#"], [("x" * 300, 1)], empty="none")
    assert "x" * 300 in capsys.readouterr().out


RUN = "0b7e5a1c-9d1e-4a53-8f3b-1c2d3e4f5a6b"
REMARK = "It was killed for it took too much memory: lower the batch size."


@pytest.fixture
def terminal(monkeypatch):
    """What is printed on a terminal of so many columns, as lines."""

    def lines(width: int, print_: Callable[[], None]) -> list[str]:
        screen = StringIO()
        monkeypatch.setattr(output, "console", lambda: Console(file=screen, width=width, highlight=False))
        print_()
        return [line.rstrip() for line in screen.getvalue().splitlines()]

    return lines


def test_ids_stay_whole_and_sentences_take_several_lines(terminal):
    lines = terminal(80, lambda: print_table(["run", "step#", "remark"], [(RUN, "3/200", REMARK)], empty=""))
    assert lines == [
        f"run{' ' * 35} step  remark",
        f"{RUN}  3/200  It was killed for it took too much",
        f"{' ' * 45}memory: lower the batch size.",
    ]


def test_rows_that_are_too_wide_for_the_terminal_are_stacked(terminal):
    columns = ["run", "dataset", "step#", "", "remark"]
    rows = [(RUN, "labels@1", "3/200", "[new]", REMARK), (RUN[::-1], "标签@1", "", "", "")]
    lines = terminal(76, lambda: print_table(columns, rows, empty=""))
    assert lines == [
        f"-- {RUN}", "dataset: labels@1", "step: 3/200", "[new]", f"remark: {REMARK}",
        f"-- {RUN[::-1]}", "dataset: 标签@1",
    ]  # fmt: skip
    assert terminal(120, lambda: print_table(columns, rows, empty=""))[0].split() == [
        "run",
        "dataset",
        "step",
        "remark",
    ]


def test_pairs_stay_pairs_and_a_digest_stays_whole(terminal):
    pairs = [("bundle", "a" * 64), ("metric 值", REMARK)]
    assert terminal(60, lambda: print_table(["fact", "value"], pairs, empty="")) == [
        "fact       value",
        f"bundle     {'a' * 64}",
        f"metric 值  {REMARK}",
    ]


def test_an_empty_table_is_a_sentence_beside_the_result(capsys):
    print_table(["name"], [], empty="Nothing yet.")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "Nothing yet.\n")


def test_numbers_for_people():
    meta = struct_pb2.Struct()
    assert row_count(meta) == ""
    meta["rows"] = 20_000_000
    assert row_count(meta) == "20,000,000"
    assert [size(n) for n in (12, 2048, 5 * 2**20, 3 * 2**30)] == ["12 B", "2.0 KiB", "5.0 MiB", "3.0 GiB"]
    assert place_in_time(17, clock=False) == "17"
    assert place_in_time(1_000_000_000, clock=True) == "1970-01-01 00:00:01Z"

from __future__ import annotations

import ast
import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from upwell.common.v1 import common_pb2
from upwell.demo import publish_request
from upwell.demo.narrator import Narrator
from upwell.demo.run import where_next
from upwell.demo.series.data import prepare
from upwell.demo.series.scores import score
from upwell.demo.stories import StoryName, story_named
from upwell.local.folder import DataFolder


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return prepare(tmp_path_factory.mktemp("demo"))


def test_the_scored_part_begins_after_the_normal_part(data):
    assert len(data.values) == len(data.times) == 7501 - 1200
    assert data.times[0] == 1200
    assert len(data.normal.read_text().splitlines()) == 1 + 1200


def test_the_anomaly_lies_where_the_archive_says(data):
    # 4187 to 4198 in the whole file, both inside.
    assert data.truth == (4187 - 1200, 4199 - 1200)
    assert data.times[data.truth[0]] == 4187


def test_no_label_is_ingested(data):
    assert data.normal.read_text().splitlines()[0] == data.scored.read_text().splitlines()[0] == "timestamp,value"
    assert len(data.gait_channels) == 9
    assert "is_anomaly" not in data.gait_channels


def test_the_publishing_program_imports_nothing_of_upwell():
    tree = ast.parse(Path(publish_request.__file__).read_text())
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names} | {
        node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
    }
    assert imported == {"__future__", "asyncio", "json", "nats", "sys"}


def segment(start: int, end: int, confidence: float) -> common_pb2.Segment:
    return common_pb2.Segment(start_row=start, end_row=end, confidence=confidence)


def test_a_find_is_a_find():
    found = score("it", [segment(490, 505, 0.9), segment(10, 20, 0.5)], rows=1000, truth=(500, 510))
    assert (found.hit, found.false_above, found.segments) == (True, 0, 2)
    assert found.distance == 10
    assert found.vus_pr > 0.5


def test_a_miss_is_a_miss():
    missed = score("it", [segment(490, 505, 0.4), segment(10, 20, 0.5)], rows=1000, truth=(500, 510))
    assert (missed.hit, missed.false_above, missed.distance) == (False, 1, 490)


def test_rows_may_be_scored_instead():
    rows = [0.0] * 1000
    rows[503] = 1.0
    found = score("it", [], rows=1000, truth=(500, 510), row_scores=rows)
    assert (found.scored_by, found.distance, found.hit) == ("rows", 0, True)


@pytest.mark.parametrize("name", StoryName)
def test_every_command_stands_apart_from_what_it_shows(name: StoryName, tmp_path: Path):
    console = Console(record=True, width=200, file=io.StringIO())
    story = story_named(name)
    where_next(story, Narrator(console), DataFolder.at(tmp_path), kept=True, runs=True)
    told = console.export_text()
    for command, what in story.where_next:
        assert re.search(rf"^  {re.escape(command)} {{2,}}{re.escape(what)}", told, re.MULTILINE)

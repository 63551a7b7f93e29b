"""`upwell lineage` in its formats and `upwell models trained-on`, against fake services."""

from __future__ import annotations

import json

import pytest

from tests.unit.upwell.cli.test_commands import Command
from upwell.errors import ToolError


@pytest.fixture
def upwell(services):
    return Command(services.environment())


def test_the_ways_between_two_nodes(upwell):
    assert upwell("lineage", "pump@1", "--to", "7").stdout.splitlines() == ["run series-lm 7", "└── dataset pump@1"]
    downwards = upwell("lineage", "7", "--to", "pump@1", "--down").stdout.splitlines()
    assert downwards == ["dataset pump@1", "└── run series-lm 7"]
    assert upwell.json("lineage", "pump@1", "--to", "7")["ancestor"] == "dataset/pump/1"


def test_no_way_is_said_beside_the_result(upwell):
    result = upwell("lineage", "pump@1", "--to", "stranger@1")
    assert result.stdout == ""
    assert "There is no way between pump@1 and stranger@1" in result.stderr
    assert upwell.json("lineage", "pump@1", "--to", "stranger@1")["nodes"] == []


def test_a_way_has_no_depth(upwell):
    with pytest.raises(ToolError, match="--depth goes with one node"):
        upwell("lineage", "pump@1", "--to", "7", "--depth", "2")


def test_formats(upwell):
    assert upwell("lineage", "pump@1", "--format", "mermaid").stdout.startswith("flowchart LR\n")
    assert upwell("lineage", "pump@1", "--format", "dot").stdout.startswith("digraph lineage {\n")
    assert json.loads(upwell("lineage", "pump@1", "--format", "json").stdout) == upwell.json("lineage", "pump@1")
    assert upwell("lineage", "pump@1", "--format", "tree").stdout == upwell("lineage", "pump@1").stdout
    assert upwell("lineage", "pump@1", "--format", "svg", code=2).stdout == ""


def test_openlineage_is_an_event_a_line_with_facts(upwell):
    (line,) = upwell("lineage", "pump@1", "--format", "openlineage").stdout.splitlines()
    event = json.loads(line)
    assert event["eventTime"] == "2026-11-27T08:00:00Z"
    assert event["outputs"][0]["facets"]["datasetType"]["subType"] == "series/v1"


def test_facts_in_json(upwell):
    with_facts = upwell.json("lineage", "pump@1", "--facts")
    assert with_facts["nodes"][0]["facts"] == {"kind": "series/v1"}
    assert "facts" not in upwell.json("lineage", "pump@1")["nodes"][0]


def test_models_trained_on(upwell, services):
    result = upwell("models", "trained-on", "--reviewer", "丽塔", "--through-predictions")
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["model", "aliases", "because", "of"]
    assert [line.split(maxsplit=1)[0] for line in lines[1:]] == ["detector@2", "detector@1"]
    assert f"reviews {'a' * 12} > dataset 标签@1" in lines[1]
    assert "1 review set could not be read" in result.stderr
    assert "reviews.parquet is damaged" in result.stderr
    first, second = services.lineage.asked
    assert (first.reviewer, first.through_predictions, first.page_token) == ("丽塔", True, "")
    assert second.page_token == "2"


@pytest.mark.parametrize("subject", ["source", "candidate", "dataset"])
def test_models_trained_on_in_json(upwell, services, subject):
    answer = upwell.json("models", "trained-on", f"--{subject}", "x", "--limit", "1")
    assert [one["model"]["ref"]["version"] for one in answer["models"]] == [2]
    assert answer["unread"][0]["reason"] == "reviews.parquet is damaged"
    assert services.lineage.asked[0].WhichOneof("subject") == subject
    assert services.lineage.asked[0].page_size == 1


def test_no_models_and_why(upwell):
    nobody = upwell("models", "trained-on", "--reviewer", "nobody")
    assert (nobody.stdout, nobody.stderr) == (
        "",
        "No review set that the registry knows names the reviewer 'nobody'.\n",
    )
    assert "No model was trained on what" in upwell("models", "trained-on", "--reviewer", "idle").stderr


@pytest.mark.parametrize("options", [[], ["--reviewer", "a", "--source", "b"]])
def test_one_subject_is_named(upwell, options):
    with pytest.raises(ToolError, match="exactly one of"):
        upwell("models", "trained-on", *options)

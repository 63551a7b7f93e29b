"""`upwell sources` and `upwell label list|show` against fake services."""

from __future__ import annotations

import pytest

from tests.unit.upwell.cli.test_commands import Command
from upwell.errors import ToolError


@pytest.fixture
def upwell(services):
    return Command(services.environment())


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_sources_are_listed(upwell):
    assert rows(upwell("sources", "list").stdout) == [
        ["source", "reads", "makes", "parameters", "summary"],
        ["csv", ".csv,", ".tsv", "series/v1", "0", "Series."],
        ["field", ".nc", "field/v1", "3", "Fields."],
    ]
    assert [source["name"] for source in upwell.json("sources", "list")] == ["csv", "field"]


def test_a_source_is_shown_with_its_parameters_in_their_order(upwell):
    shown = upwell("sources", "show", "field")
    assert rows(shown.stdout) == [
        ["parameter", "type", "default", "allowed", "help"],
        ["units", "str", "Units."],
        ["land", "float", "-5", "from", "-5", "Cold."],
        ["gaps", "str", "no", "keep,", "no"],
    ]
    assert shown.stderr == "field reads .nc and makes field/v1. Fields.\n"
    assert upwell.json("sources", "show", "field")["parameters"][1]["default_value"] == -5


def test_a_source_of_series_has_options(upwell):
    shown = upwell("sources", "show", "csv")
    assert shown.stdout == ""
    assert "`upwell ingest --help` tells its options" in shown.stderr


def test_labelers_are_listed_and_shown_with_whole_numbers(upwell):
    assert rows(upwell("label", "list").stdout) == [
        ["labeler", "reads", "makes", "parameters", "summary"],
        ["asks", "field/v1", "chat/v1", "2", "Asks."],
        ["robust", "series/v1", "-", "0", "Finds."],
    ]
    shown = upwell("label", "show", "asks")
    assert rows(shown.stdout) == [
        ["parameter", "type", "default", "allowed", "help"],
        ["samples", "int", "500", "1", "to", "1000000"],
        ["months", "list", "of", "int", "[6,24]", "From,", "to."],
    ]
    assert upwell.json("label", "show", "asks")["described_parameters"][0]["high"] == 1_000_000
    assert "robust reads series/v1 and proposes labels" in upwell("label", "show", "robust").stderr


@pytest.mark.parametrize(
    ("group", "name", "told"),
    [
        ("sources", "felt", "'felt' is no source; did you mean 'field'"),
        ("label", "zzz", "'zzz' is no labeler; there are: asks, robust"),
    ],
)
def test_an_unknown_name_is_answered_with_those_there_are(upwell, group, name, told):
    with pytest.raises(ToolError, match=told):
        upwell(group, "show", name)

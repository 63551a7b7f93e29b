"""`upwell recipes` against fake services."""

from __future__ import annotations

import pytest

from tests.unit.upwell.cli.test_commands import Command
from upwell.errors import ToolError


@pytest.fixture
def upwell(services):
    return Command(services.environment())


def test_recipes_are_listed(upwell):
    assert [line.split() for line in upwell("recipes", "list").stdout.splitlines()] == [
        ["recipe", "learns", "from", "base", "goes", "on", "from", "hyperparameters", "summary"],
        ["series-lm", "segments/v1", "tiny-qwen", "series", "4", "Finds", "stretches."],
    ]
    assert [recipe["name"] for recipe in upwell.json("recipes", "list")] == ["series-lm"]


def test_a_recipe_is_shown_with_types_defaults_units_and_what_is_allowed(upwell):
    assert [line.split() for line in upwell("recipes", "show", "series-lm").stdout.splitlines()] == [
        ["hyperparameter", "type", "default", "unit", "allowed", "help"],
        ["learning_rate", "float", "0.002", "1e-08", "to", "1", "Rate."],
        ["max_steps", "int", "200", "steps", "from", "0", "Steps."],
        ["method", "str", "full", "full,", "lora", "Method."],
        ["smoke", "bool", "false", "Try", "it."],
    ]
    assert upwell.json("recipes", "show", "series-lm")["hyperparameters"]["max_steps"]["unit"] == "steps"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("serie-lm", "'serie-lm' is no recipe; did you mean 'series-lm'"),
        ("zzz", "'zzz' is no recipe; there are: series-lm"),
    ],
)
def test_an_unknown_recipe_is_answered_with_those_there_are(upwell, name: str, told: str):
    with pytest.raises(ToolError, match=told):
        upwell("recipes", "show", name)

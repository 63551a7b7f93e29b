"""How installed recipes are found, and what becomes of one that is broken."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from shared.errors import InvalidInputError
from svc_train.child.failures import tell
from svc_train.recipes.base import find_recipe, no_recipe, recipes
from tests.modeling.failing.recipes import install


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package whose recipe `storm` needs a module that nobody has, and whose recipe `fog` cannot even be read."""
    install(tmp_path, {"storm": "weather_storm:RECIPE", "fog": "weather_fog:RECIPE"})
    (tmp_path / "weather_storm.py").write_text("import a_module_that_nobody_has\n")
    (tmp_path / "weather_fog.py").write_text("this is no Python\n")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("broken")
def test_a_broken_recipe_is_left_out_with_a_warning_that_names_it(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        found = recipes()
    assert {"series-lm", "text-sft"} <= found.keys()
    assert not {"storm", "fog"} & found.keys()
    storm, fog = sorted(caplog.messages, reverse=True)
    assert "storm (weather_storm:RECIPE)" in storm
    assert "No module named 'a_module_that_nobody_has'" in storm
    assert "fog (weather_fog:RECIPE) cannot be loaded: SyntaxError" in fog


@pytest.mark.usefixtures("broken")
def test_who_names_a_broken_recipe_is_told_the_module_it_lacks():
    with pytest.raises(InvalidInputError, match="'storm' cannot be loaded") as caught:
        find_recipe("storm")
    told = tell(caught.value)
    assert told.cause == "import_error"
    assert "a_module_that_nobody_has" in told.remedy
    assert find_recipe("series-lm").name == "series-lm"


def test_who_names_none_is_told_which_there_are():
    assert str(no_recipe("serie-lm", ["b", "a"])) == "recipe: 'serie-lm' is not a recipe; installed are: a, b"
    assert str(no_recipe("planer", ["planner", "a"])) == "recipe: 'planer' is not a recipe; did you mean 'planner'?"
    assert no_recipe("x", []).__cause__ is None

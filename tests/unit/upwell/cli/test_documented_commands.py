"""The commands in the docs exist, with the options and parameters that they are given there; nothing is run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import typer

from shared.contracts.parameters import parse_parameters
from svc_train.recipes.hyperparameters import parse
from upwell.cli.app import app
from upwell.cli.assignments import parse_settings
from upwell.cli.statefile import read_state

ROOT = Path(__file__).resolve().parents[4]
PAGES = ("README.md", "docs/planner.md", "docs/ocean.md", "docs/add_a_family.md")
BASH = re.compile(r"```bash\n(.*?)```", re.DOTALL)


def commands() -> Iterator[list[str]]:
    for page in PAGES:
        for block in BASH.findall((ROOT / page).read_text(encoding="utf-8")):
            for line in block.replace("\\\n", " ").splitlines():
                if line.strip().startswith("upwell "):
                    yield shlex.split(line, comments=True)


def parsed(words: list[str]) -> Any:
    """The context of the command that would run; what typer raises where there is none."""
    command: Any = typer.main.get_command(app)
    context = command.make_context(words[0], words[1:])
    while hasattr(command, "resolve_command"):
        name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        context = command.make_context(name, rest, parent=context)
    return context


def loaded(group: str, name: str) -> Any:
    [point] = entry_points(group=group, name=name)
    return point.load()


@pytest.mark.parametrize("words", list(commands()), ids=shlex.join)
def test_a_command_of_the_docs_is_one(words):
    context = parsed(words)
    settings = parse_settings(context.params.get("settings"))
    if not settings or "line" in words or "points" in words:
        return  # the toy family of docs/add_a_family.md is not installed here
    match context.params:
        case {"source": source}:
            parse_parameters(loaded("upwell.sources", source).parameters, settings)
        case {"labeler": labeler}:
            parse_parameters(loaded("upwell.labelers", labeler).parameters, settings)
        case {"recipe": recipe}:
            parse(loaded("upwell.recipes", recipe).config_type, settings)
        case _:
            pytest.fail(f"whose parameters are these? {shlex.join(words)}")


@pytest.mark.parametrize("wrong", ["upwell plann x", "upwell plan m t --statt s.csv", "upwell datasets shoow x"])
def test_what_is_no_command_is_found_out(wrong):
    with pytest.raises(Exception, match="No such"):
        parsed(shlex.split(wrong))


def test_the_state_of_the_docs_is_one(tmp_path):
    [text] = re.findall(r"```\n(cpu_cores,.*?)```", (ROOT / "docs/planner.md").read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "state.csv").write_text(text)
    assert read_state(tmp_path / "state.csv")[-1] == {
        "cpu_cores": 10,
        "memory_gb": 28,
        "gpu_sm": 8,
        "gpu_memory_gb": 8,
    }

"""`upwell recipes list|show`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from google.protobuf import json_format

from upwell.cli.described import allowed, as_set
from upwell.cli.output import print_json, print_table, say
from upwell.cli.session import DataOption, JsonOption, run
from upwell.train.v1.train_service_pb2 import Recipe

app = typer.Typer(help="Look at recipes and their hyperparameters.", no_args_is_help=True)


@app.command("list")
def list_recipes(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the recipes that are installed.

    Examples:
    - `upwell recipes list`
    """
    found = run(data, lambda upwell: upwell.train.recipes())
    if as_json:
        print_json(found)
        return
    rows = [(r.name, *_takes(r), len(r.hyperparameters.fields), r.summary) for r in found]
    columns = ["recipe", "learns from", "base", "goes on from", "hyperparameters#", "summary"]
    print_table(columns, rows, empty="No recipes are installed where svc_train runs.")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="The recipe's name.")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a recipe takes, and its hyperparameters: each goes into `upwell train` as `--set NAME=VALUE`.

    Examples:
    - `upwell recipes show series-lm`
    - `upwell recipes show series-lm --json`
    """
    recipe = run(data, lambda upwell: upwell.train.recipe(name))
    if as_json:
        print_json(recipe)
        return
    described: Mapping[str, Mapping[str, Any]] = json_format.MessageToDict(recipe.hyperparameters)
    rows = [
        (key, rule.get("type", ""), as_set(rule.get("default")), rule.get("unit", ""), allowed(rule), rule.get("help"))
        for key, rule in sorted(described.items())
    ]
    columns = ["hyperparameter", "type", "default#", "unit", "allowed", "help"]
    print_table(columns, rows, empty=f"{recipe.name} has no hyperparameters.")
    learns, base, parents = _takes(recipe)
    say(f"{recipe.name} learns from {learns}; base: {base}; goes on from models of: {parents}")


def _takes(recipe: Recipe) -> tuple[str, str, str]:
    """Kinds of training set, the base, families of parents."""
    return ", ".join(recipe.dataset_kinds), recipe.default_base or "-", ", ".join(recipe.parent_families) or "-"

"""`upwell models gate set|show|clear`."""

from __future__ import annotations

from typing import Annotated

import typer

from upwell.cli.conditions import condition_text, parse_conditions, size_text
from upwell.cli.output import print_json, print_table, when
from upwell.cli.session import AliasOption, DataOption, JsonOption, run

app = typer.Typer(help="What a version must show before an alias may name it.", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(help="The model's name.")]


@app.command("set")
def set_gate(
    name: NameArgument,
    *,
    require: Annotated[
        list[str],
        typer.Option(
            metavar="CONDITION",
            help="f1>=0.6, loss<=0.1, f1>holder (better than the version that has the alias), f1>holder+0.02 (by a "
            "margin), f1>=holder-0.01 (not worse, with a tolerance); < and <= where less is better. Again for each.",
        ),
    ],
    size: Annotated[
        str, typer.Option(metavar="METRIC>=NUMBER", help="The least that was evaluated, e.g. held_out_rows>=100.")
    ] = "",
    alias: AliasOption = "champion",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a gate before an alias, in place of the one that stands (needs the role admin).

    Examples:
    - `upwell models gate set pump-detector --require "f1>=0.6"`
    - `upwell models gate set pump-detector --require "f1>holder" --size "held_out_rows>=100"`
    """
    conditions = parse_conditions(require, size)
    gate = run(data, lambda upwell: upwell.promotion.set_gate(name, conditions, alias=alias))
    if as_json:
        print_json(gate)
        return
    typer.echo(f"{gate.model}:{gate.alias} asks for {', '.join(condition_text(each) for each in gate.conditions)}")


@app.command()
def show(name: NameArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show the gates of a model.

    Examples:
    - `upwell models gate show pump-detector`
    """
    gates = run(data, lambda upwell: upwell.promotion.gates(name))
    if as_json:
        print_json(gates)
        return
    rows = [
        (gate.alias, condition_text(each), size_text(each), gate.set_by, when(gate.set_at))
        for gate in gates
        for each in gate.conditions
    ]
    columns = ["alias", "requires", "size", "set by", "set at"]
    print_table(columns, rows, empty=f"No gates: whoever may promote moves the aliases of {name} freely.")


@app.command()
def clear(name: NameArgument, alias: AliasOption = "champion", data: DataOption = None) -> None:
    """Take a gate away (needs the role admin).

    Examples:
    - `upwell models gate clear pump-detector`
    """
    run(data, lambda upwell: upwell.promotion.delete_gate(name, alias=alias))
    typer.echo(f"{name}:{alias} has no gate")

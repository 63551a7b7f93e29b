"""`upwell train RECIPE`, and `upwell train chain`."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from upwell.cli.assignments import parse_settings
from upwell.cli.chain import chain
from upwell.cli.output import print_json, say, version_name
from upwell.cli.session import DataOption, JsonOption, SetOption, run
from upwell.cli.watching import watch_run
from upwell.client import Upwell
from upwell.client.waiting import until

NUMBERED_WITHIN_S = 60.0
RECIPE = "RECIPE"


class RecipeOrCommand(TyperGroup):
    """What is no command of the group is the name of a recipe."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the hidden command in front of a recipe's name."""
        if args and args[0] not in {*self.commands, *self.get_help_option_names(ctx)}:
            args = [RECIPE, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=RecipeOrCommand,
    help="Ask for a run: `upwell train RECIPE --dataset D --model M`; or for a chain of them. "
    "`upwell train RECIPE --help` tells more.",
    no_args_is_help=True,
)
app.command("chain")(chain)


@app.command(RECIPE)
def train(
    recipe: Annotated[str, typer.Argument(help="The recipe, e.g. series-lm.")],
    *,
    dataset: Annotated[str, typer.Option(help="The training set: NAME@3, or NAME for the newest version.")],
    model: Annotated[str, typer.Option(help="Name of the model to make a version of.")],
    base: Annotated[str, typer.Option(help="The base model.", show_default="the recipe's")] = "",
    settings: SetOption = None,
    stage: Annotated[str, typer.Option(help="Place in a chain, e.g. stage1.")] = "",
    parent: Annotated[
        str, typer.Option(help="The model version to go on from: NAME@4, NAME:ALIAS, or NAME for its champion.")
    ] = "",
    watch: Annotated[bool, typer.Option("--watch", help="Show progress until it ends.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask for a run and print its id; with --watch, follow it and print the version it made.

    Any program can ask the same by publishing `train.requested` on the bus. The exit codes of --watch are those of
    `upwell runs watch`.

    Examples:
    - `upwell train series-lm --dataset bleeding-labels@1 --model bleeding-detector --watch`
    - `upwell train RECIPE --dataset L --model M --parent M@3`
    - `upwell train series-lm --dataset L --model M --set method=lora --set max_steps=200`
    """
    hyperparameters = parse_settings(settings)

    async def work(upwell: Upwell) -> None:
        run_id = await upwell.train.start(
            recipe, dataset=dataset, model=model, base=base, hyperparameters=hyperparameters, stage=stage, parent=parent
        )
        if not watch:
            print_json(await upwell.train.run(run_id)) if as_json else typer.echo(run_id)
            return
        say(f"run {run_id}")
        await watch_run(upwell, run_id)
        version = await until(
            lambda: upwell.registry.trained_model(run_id),
            within_s=NUMBERED_WITHIN_S,
            what=f"The registry's number for {model}",
        )
        print_json(version) if as_json else typer.echo(version_name(version.ref))

    run(data, work)

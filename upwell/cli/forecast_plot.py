"""`upwell plot forecast`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from upwell.cli.forecast import DatasetOption, FromOption, LeadsOption, ModelArgument, said_of
from upwell.cli.forecast_picture import draw_forecast
from upwell.cli.output import say
from upwell.cli.pictures import check_plot
from upwell.cli.session import DataOption, TimeoutOption, run
from upwell.client.infer import DEADLINE_S

app = typer.Typer(help="Draw pictures of answers.", no_args_is_help=True)


@app.callback()
def plot() -> None:
    """Draw pictures of answers."""


@app.command("forecast")
def plot_forecast(
    model: ModelArgument,
    *,
    dataset: DatasetOption,
    output: Annotated[Path, typer.Option("--output", "-o", help="The picture: .png or .svg.")],
    last_month: FromOption = "",
    leads: LeadsOption = 0,
    channel: Annotated[str, typer.Option(help="The field on the maps.", show_default="the first")] = "",
    index: Annotated[str, typer.Option(help="The index of the plume.")] = "nino34",
    timeout: TimeoutOption = DEADLINE_S,
    data: DataOption = None,
) -> None:
    """Draw a forecast: a map a month, and below them the plume of an index with the months before it.

    Examples:
    - `upwell plot forecast ocean --dataset sst --from 2009-06 --output forecast.png`
    - `upwell plot forecast ocean@2 --dataset sst@1 --leads 12 --channel taux -o winds.svg`
    """
    check_plot(output)
    answer = run(
        data,
        lambda upwell: upwell.infer.forecast(
            model, dataset=dataset, last_month=last_month, leads=leads, deadline_s=timeout
        ),
    )
    draw_forecast(answer, output, channel=channel, index=index)
    say(said_of(answer))
    typer.echo(output)

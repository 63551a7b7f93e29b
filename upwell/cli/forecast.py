"""`upwell forecast`."""

from __future__ import annotations

from typing import Annotated

import typer

from upwell.cli.output import counted, print_json, print_table, say, version_name
from upwell.cli.session import DataOption, JsonOption, TimeoutOption, run
from upwell.client.infer import DEADLINE_S
from upwell.errors import ToolError
from upwell.infer.v1 import forecast_pb2

ModelArgument = Annotated[str, typer.Argument(help="A model of fields: NAME@4, NAME:alias, or NAME for its champion.")]
DatasetOption = Annotated[str, typer.Option(help="The fields to go on from: NAME@3, or NAME for the newest version.")]
FromOption = Annotated[
    str, typer.Option("--from", metavar="YYYY-MM", help="The last month that is known.", show_default="the newest")
]
LeadsOption = Annotated[
    int, typer.Option(min=0, help="Months to look ahead; 0 means as many as the model can.", show_default="all")
]


def forecast(
    model: ModelArgument,
    *,
    dataset: DatasetOption,
    last_month: FromOption = "",
    leads: LeadsOption = 0,
    timeout: TimeoutOption = DEADLINE_S,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look ahead from months of a stored dataset and print the Nino indices of each month that comes.

    The fields themselves come with --json; `upwell plot forecast` draws them.

    Examples:
    - `upwell forecast ocean --dataset sst --from 2009-06 --leads 12`
    - `upwell forecast ocean@2 --dataset sst@1 --json`
    """
    answer = run(
        data,
        lambda upwell: upwell.infer.forecast(
            model, dataset=dataset, last_month=last_month, leads=leads, deadline_s=timeout
        ),
    )
    if as_json:
        print_json(answer)
        return
    say(said_of(answer))
    if not answer.nino:
        raise ToolError("The model's grid holds no Nino box whole, so there are no indices: take --json.")
    names = [index.name for index in answer.nino]
    by_month = zip(*(index.values for index in answer.nino), strict=True)
    rows = [
        (lead, month, *(f"{value:+.2f}" for value in values))
        for lead, (month, values) in enumerate(zip(answer.fields.months, by_month, strict=True), start=1)
    ]
    print_table(["lead#", "month", *(f"{name}#" for name in names)], rows, empty="")


def said_of(answer: forecast_pb2.ForecastResponse) -> str:
    """Who looked how far ahead, and from where."""
    months = counted(len(answer.history_months), "month")
    return (
        f"{version_name(answer.model)} went on from {months} of {version_name(answer.dataset)} up to "
        f"{answer.history_months[-1]}"
    )

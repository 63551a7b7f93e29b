"""`upwell runs metrics`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from upwell.cli.metric_files import write_csv, write_plot, write_tensorboard
from upwell.cli.output import print_json, print_table
from upwell.cli.plot import curve
from upwell.cli.session import DataOption, JsonOption, run
from upwell.client import Upwell
from upwell.train.v1 import metrics_pb2

CURVE_WIDTH = 32


def metrics(
    run_id: Annotated[str, typer.Argument(help="The run's id.")],
    *,
    name: Annotated[list[str] | None, typer.Option(help="Only numbers of this name; again for each one.")] = None,
    from_step: Annotated[int, typer.Option(min=0, help="Only from this step on.")] = 0,
    csv: Annotated[
        Path | None,
        typer.Option(help="Write a CSV file, one row a step; - writes to standard output.", allow_dash=True),
    ] = None,
    tensorboard: Annotated[Path | None, typer.Option(help="Write TensorBoard event files into this folder.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the curves into this file, .png or .svg.")] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a run's numbers in short, or write them to files.

    There are the loss, the length of its gradient, the learning rate and the tokens a second of every step, and the
    numbers of its evaluations.
    TensorBoard files and plots need `pip install 'upwell[plots]'`.

    Examples:
    - `upwell runs metrics 0b7e...`
    - `upwell runs metrics 0b7e... --name loss --csv -`
    - `upwell runs metrics 0b7e... --tensorboard tensorboard/0b7e --plot curves.svg`
    """

    async def work(upwell: Upwell) -> list[metrics_pb2.StepMetric]:
        return [one async for one in upwell.train.metrics(run_id, names=name or (), from_step=from_step)]

    found = run(data, work)
    if csv:
        write_csv(found, csv)
    if tensorboard:
        write_tensorboard(found, tensorboard)
    if plot:
        write_plot(found, plot, title=f"run {run_id}")
    if as_json:
        print_json(found)
    elif not (csv or tensorboard or plot):
        print_table(
            ["name", "steps#", "first#", "last#", "lowest#", "highest#", "curve"],
            [_in_short(one, values) for one, values in _by_name(found).items()],
            empty="The run has no such numbers (yet).",
        )


def _by_name(found: Sequence[metrics_pb2.StepMetric]) -> Mapping[str, list[float]]:
    values: dict[str, list[float]] = {}
    for metric in found:
        values.setdefault(metric.name, []).append(metric.value)
    return dict(sorted(values.items()))


def _in_short(name: str, values: Sequence[float]) -> tuple[object, ...]:
    ends = (values[0], values[-1], min(values), max(values))
    return (name, len(values), *(f"{value:.6g}" for value in ends), curve(values, width=CURVE_WIDTH))

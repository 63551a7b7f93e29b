"""A run's numbers as files: CSV, TensorBoard events, a plot."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import TextIO

from upwell.errors import ToolError
from upwell.train.v1 import metrics_pb2

STANDARD_OUTPUT = Path("-")
PLOT_SUFFIXES = (".png", ".svg")
WIDTH_INCHES, HEIGHT_INCHES = 8.0, 2.2


def write_csv(found: Sequence[metrics_pb2.StepMetric], path: Path) -> None:
    """One row a step and one column a name; a step without a number of a name leaves it empty."""
    names = sorted({metric.name for metric in found})
    with _opened(path) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["step", "attempt", "recorded_at", *names])
        for step, group in groupby(found, key=lambda metric: metric.step):
            row = {metric.name: metric for metric in group}
            first = next(iter(row.values()))
            values = [row[name].value if name in row else "" for name in names]
            writer.writerow([step, first.attempt, first.recorded_at.ToJsonString(), *values])


def write_tensorboard(found: Sequence[metrics_pb2.StepMetric], folder: Path) -> None:
    """Event files that TensorBoard reads; ToolError when the library that writes them is not installed."""
    try:
        from tensorboardX import SummaryWriter  # noqa: PLC0415 - an extra that few need
    except ModuleNotFoundError as error:
        raise _missing(error, "TensorBoard files") from error
    with SummaryWriter(logdir=str(folder)) as writer:
        for metric in found:
            moment = metric.recorded_at.ToNanoseconds() / 1e9
            writer.add_scalar(metric.name, metric.value, metric.step, walltime=moment)


def write_plot(found: Sequence[metrics_pb2.StepMetric], path: Path, *, title: str) -> None:
    """One panel a name, over the steps.

    Raises:
        ToolError: the file is neither .png nor .svg, there is nothing to draw, or the library is not installed.
    """
    if path.suffix.lower() not in PLOT_SUFFIXES:
        raise ToolError(f"{str(path)!r} is no plot: end its name in {' or '.join(PLOT_SUFFIXES)}.")
    names = sorted({metric.name for metric in found})
    if not names:
        raise ToolError("There is nothing to draw: the run has no such numbers (yet).")
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra that few need
    except ModuleNotFoundError as error:
        raise _missing(error, "plots") from error
    figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES * len(names)), layout="constrained")
    figure.suptitle(title)
    panels = figure.subplots(len(names), 1, squeeze=False, sharex=True)[:, 0]
    for name, panel in zip(names, panels, strict=True):
        points = [(metric.step, metric.value) for metric in found if metric.name == name]
        panel.plot(*zip(*points, strict=True), marker="." if len(points) == 1 else "")
        panel.set_ylabel(name)
        panel.grid(visible=True, alpha=0.3)
    panels[-1].set_xlabel("step")
    figure.savefig(path)


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    if path == STANDARD_OUTPUT:
        yield sys.stdout
        return
    with path.open("w", encoding="utf-8", newline="") as stream:
        yield stream


def _missing(error: ModuleNotFoundError, what: str) -> ToolError:
    return ToolError(f"{error.name} is not installed, and {what} need it: `pip install 'upwell[plots]'`.")

"""`upwell predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from upwell.cli.output import place_in_time, print_json, print_table, say, version_name
from upwell.cli.seriesfile import read_series
from upwell.cli.session import DataOption, JsonOption, TimeoutOption, run
from upwell.client.infer import DEADLINE_S


def predict(
    model: Annotated[str, typer.Argument(help="NAME@4, NAME:alias, or NAME for its champion.")],
    *,
    input_file: Annotated[Path, typer.Option("--input", help="CSV with a header; - reads stdin.")],
    scores: Annotated[bool, typer.Option("--scores", help="With --json: also the score of each row.")] = False,
    timeout: TimeoutOption = DEADLINE_S,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask a model about a series: every column is a channel, except one named time or index.

    Examples:
    - `upwell predict bleeding-detector --input new.csv`
    - `upwell predict bleeding-detector@1 --input new.csv --json --scores`
    """
    read = read_series(input_file)
    answer = run(
        data,
        lambda upwell: upwell.infer.predict(
            model, [read.series], include_scores=scores and as_json, deadline_s=timeout
        ),
    )
    if as_json:
        print_json(answer)
        return
    (only,) = answer.answers
    rows = [
        (
            f"{segment.start_row}:{segment.end_row}",
            place_in_time(segment.start_time, clock=read.clock),
            place_in_time(segment.end_time, clock=read.clock),
            segment.channel or "all",
            segment.label or "anomaly",
            f"{segment.confidence:.3f}",
        )
        for segment in only.segments
    ]
    say(f"{version_name(answer.model)}: {only.text}")
    print_table(["rows", "from", "to", "channel", "label", "confidence#"], rows, empty="No segments.")

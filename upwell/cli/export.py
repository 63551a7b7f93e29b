"""`upwell export`."""

from __future__ import annotations

from typing import Annotated

import typer

from upwell.cli.output import counted, print_json, say, version_name
from upwell.cli.session import DataOption, JsonOption, run
from upwell.client import Upwell
from upwell.label.v1 import label_service_pb2


def export(
    dataset: Annotated[str, typer.Argument(help="NAME@3, or NAME for the newest version.")],
    output: Annotated[str, typer.Option(help="Name of the dataset to make.", show_default="DATASET-labels")] = "",
    labeler: Annotated[str, typer.Option(help="Only this labeler's candidates.")] = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a training set of the approved candidates and print the version the registry gave it.

    Examples:
    - `upwell export pump-7-injected --output pump-7-labels`
    """

    async def work(upwell: Upwell) -> label_service_pb2.ExportResponse:
        made = await upwell.label.export(dataset, output=output, labeler=labeler)
        made.dataset.CopyFrom((await upwell.numbering.dataset(made.dataset)).ref)
        return made

    made = run(data, work)
    if as_json:
        print_json(made)
        return
    say(f"{counted(made.segment_count, 'segment')}, {counted(made.review_count, 'review')}")
    if made.HasField("quality"):
        say(f"right candidates, estimated: {made.quality:.1%} ({made.quality_low:.1%} to {made.quality_high:.1%})")
    typer.echo(version_name(made.dataset))

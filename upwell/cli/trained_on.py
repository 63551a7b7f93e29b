"""`upwell models trained-on`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from upwell.cli.output import counted, print_json, print_table, say, version_name
from upwell.cli.session import DataOption, JsonOption, run
from upwell.client.lineage import Subject, TrainedModels
from upwell.errors import ToolError
from upwell.lineage.graph import name_of
from upwell.registry.v1 import lineage_service_pb2


def trained_on(
    *,
    reviewer: Annotated[str, typer.Option(help="Who approved labels that went in.")] = "",
    source: Annotated[str, typer.Option(help="Where raw data came from: a file's name, or a node's key.")] = "",
    candidate: Annotated[str, typer.Option(help="The id of an approved candidate.")] = "",
    dataset: Annotated[str, typer.Option(help="A dataset version, NAME@3.")] = "",
    through_predictions: Annotated[
        bool, typer.Option("--through-predictions", help="Also models that learnt from what such a model proposed.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the model versions that were trained on something, directly or through the version they went on from.

    Examples:
    - `upwell models trained-on --reviewer rita`
    - `upwell models trained-on --source bleeding.csv`
    - `upwell models trained-on --candidate 0f4a4f0e-2f3b-5c59-9d62-3a1f0c1b2d3e`
    - `upwell models trained-on --dataset pump-7@1 --json`
    """
    options: dict[Subject, str] = {
        "reviewer": reviewer,
        "source": source,
        "candidate": candidate,
        "dataset": dataset,
    }
    given = [(subject, value) for subject, value in options.items() if value]
    if len(given) != 1:
        raise ToolError("Name exactly one of --reviewer, --source, --candidate and --dataset.")
    subject, value = given[0]
    found = run(
        data,
        lambda upwell: upwell.lineage.trained_models(
            subject, value, through_predictions=through_predictions, limit=limit
        ),
    )
    if as_json:
        print_json(
            lineage_service_pb2.FindTrainedModelsResponse(
                models=found.models, start_count=found.start_count, unread=found.unread
            )
        )
    else:
        rows = [(version_name(one.model.ref), ", ".join(one.model.aliases), _because(one.path)) for one in found.models]
        print_table(["model", "aliases", "because of"], rows, empty=_nothing(subject, value, found))
    if found.unread:
        sets = counted(len(found.unread), "review set")
        say(f"{sets} could not be read, so models may be missing here. First: {found.unread[0].key}")
        say(found.unread[0].reason or "It has not been tried yet.")


def _because(path: Sequence[lineage_service_pb2.LineageNode]) -> str:
    """The way to the model, without the model itself."""
    return " > ".join(f"{node.type} {name_of(node)}" for node in path[:-1])


def _nothing(subject: str, value: str, found: TrainedModels) -> str:
    if not found.start_count:
        return f"No review set that the registry knows names the {subject} {value!r}."
    return f"No model was trained on what the {subject} {value!r} stands for."

"""`upwell models compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from google.protobuf import json_format

from upwell.cli.history import shown
from upwell.cli.loss_plot import draw_losses
from upwell.cli.output import print_json, print_table, say, version_name
from upwell.cli.pictures import check_plot
from upwell.cli.session import DataOption, JsonOption, run
from upwell.client import Upwell
from upwell.client.curves import Curve, loss_curves
from upwell.registry.v1 import history_service_pb2 as pb


def compare(
    models: Annotated[list[str], typer.Argument(help="Two or more of NAME@4, NAME:alias, or NAME for its champion.")],
    *,
    everything: Annotated[bool, typer.Option("--all", help="Also what they have in common.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw their loss curves into a .png or .svg file.")] = None,
    log_scale: Annotated[bool, typer.Option("--log", help="A logarithmic scale for the loss.")] = False,
    from_zero: Annotated[bool, typer.Option("--from-zero", help="Each curve from step 0, not from its place.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show where versions differ: metrics, hyperparameters, datasets, base, stage, steps, times and ancestors.

    Examples:
    - `upwell models compare pump-reader@1 pump-reader@2`
    - `upwell models compare pump-reader@1 other@3 --all --json`
    - `upwell models compare pump-reader@1 pump-reader@2 --plot losses.svg --log`
    """
    if plot:
        check_plot(plot)

    async def work(upwell: Upwell) -> tuple[pb.CompareModelsResponse, list[Curve]]:
        compared = await upwell.history.compare(models)
        return compared, list(await loss_curves(upwell, compared)) if plot else []

    compared, curves = run(data, work)
    if as_json:
        print_json(_as_json(compared, everything=everything))
    else:
        _print(compared, everything=everything)
    if plot:
        remarks = draw_losses(curves, plot, log_scale=log_scale, from_zero=from_zero)
        for remark in remarks:
            say(remark)
        say(f"Loss curves are in {plot}.")


def _print(compared: pb.CompareModelsResponse, *, everything: bool) -> None:
    names = [version_name(version.ref) for version in compared.models]
    facts = [fact for fact in compared.facts if fact.differs or everything]
    rows = [(fact.group, fact.name, *map(shown, _values(fact))) for fact in facts]
    rows += [
        (f"made from {each.type}", each.label or each.key, *("yes" if present else "-" for present in each.present))
        for each in compared.lineage
    ]
    print_table(["about", "what", *names], rows, empty="Nothing tells them apart.")
    hidden = len(compared.facts) - len(facts)
    if hidden:
        say(f"{hidden} more are the same in all of them: --all shows them.")


def _as_json(compared: pb.CompareModelsResponse, *, everything: bool) -> dict[str, Any]:
    return {
        "models": [version_name(version.ref) for version in compared.models],
        "facts": [
            {"group": fact.group, "name": fact.name, "differs": fact.differs, "values": _values(fact)}
            for fact in compared.facts
            if fact.differs or everything
        ],
        "lineage": [
            {"key": each.key, "type": each.type, "label": each.label, "present": list(each.present)}
            for each in compared.lineage
        ],
    }


def _values(fact: pb.ComparedFact) -> list[Any]:
    values: Any = json_format.MessageToDict(fact.values)
    return list(values)

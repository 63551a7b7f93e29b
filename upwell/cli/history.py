"""`upwell history MODEL@V`, `upwell history --all`, `upwell history import|export`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from google.protobuf import json_format
from typer.core import TyperGroup

from upwell.cli.history_import import ImportReport, import_tree, report
from upwell.cli.output import counted, print_json, print_table, say, version_name, when
from upwell.cli.session import DataOption, JsonOption, run
from upwell.client import Upwell
from upwell.client.checkpoint_upload import store_checkpoint
from upwell.client.history_tree import write_history
from upwell.errors import ToolError
from upwell.registry.v1 import history_service_pb2 as pb

SHOW = "show"
COLUMNS = (
    "version", "stage", "dataset", "steps#", "total#", "epochs#", "metrics", "what differs", "started", "ended",
)  # fmt: skip


class ShowByDefault(TyperGroup):
    """`upwell history X` means `upwell history show X`, unless X is a command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command in where it was left out."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [SHOW, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=ShowByDefault,
    help="How models came about, stage by stage: `upwell history pump@3`, `upwell history --all`.",
    no_args_is_help=True,
)


@app.command(SHOW)
def show(
    model: Annotated[str, typer.Argument(help="NAME@4, NAME:alias, or NAME for its champion.")] = "",
    *,
    everything: Annotated[bool, typer.Option("--all", help="Every model, summed up.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the chain of trainings that led to a version, oldest first. With --json it is its `training_info.json`.

    Examples:
    - `upwell history pump-reader@4`
    - `upwell history show pump-reader:champion --json`
    - `upwell history --all`
    """
    if bool(model) == everything:
        raise typer.BadParameter("name a model version, or say --all")
    if everything:
        _show_all(data, as_json=as_json)
        return
    found = run(data, lambda upwell: upwell.history.history(model))
    if as_json:
        sys.stdout.write(found.training_info)
        return
    print_table(COLUMNS, _rows(found.entries), empty="")
    say(_remark(found))


def _show_all(data: Path | None, *, as_json: bool) -> None:
    models = run(data, lambda upwell: upwell.history.summaries())
    if as_json:
        print_json(models)
        return
    rows = [
        (
            each.model,
            each.version_count,
            each.imported_count,
            ", ".join(each.stages),
            f"{each.total_steps:,}",
            ", ".join(each.datasets),
            when(each.last_updated),
        )
        for each in models
    ]
    columns = ["model", "versions#", "imported#", "stages", "steps#", "datasets", "last updated"]
    print_table(columns, rows, empty="No models yet: train one, or `upwell history import DIR`.")


@app.command("import")
def import_histories(
    folder: Annotated[Path, typer.Argument(help="A folder; every training_info.json below it is read.")],
    *,
    under: Annotated[str, typer.Option(help="A folder to put before every path, to tell trees apart.")] = "",
    checkpoints: Annotated[bool, typer.Option(help="Also store the checkpoints that are in the tree.")] = True,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register the versions that a tree of `training_info.json` files speaks of. Twice changes nothing.

    Bad files are named by path and field, and hinder no other; exit code 1 when there was one. Of a checkpoint in the
    tree its safetensors, JSON and tokenizer files are stored, never pickle.

    Examples:
    - `upwell history import experiments/`
    - `upwell history import old-disk/ --under old-disk --json`
    """

    async def work(upwell: Upwell) -> ImportReport:
        store = partial(store_checkpoint, upwell) if checkpoints else None
        return await import_tree(upwell, folder, under=under, store=store)

    result = run(data, work)
    if as_json:
        print_json(result.as_json())
    else:
        report(result)
    if result.is_bad:
        raise typer.Exit(1)


@app.command("export")
def export_histories(
    folder: Annotated[Path, typer.Argument(help="Where to; made if it is not there.")],
    *,
    model: Annotated[str, typer.Option(help="Only versions of this model.")] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Also over files that hold something else.")] = False,
    data: DataOption = None,
) -> None:
    """Write one `training_info.json` for each history: imported ones as they came, one for each version of our runs.

    Examples:
    - `upwell history export histories/`
    - `upwell history export histories/ --model pump-reader`
    """

    async def work(upwell: Upwell) -> tuple[int, int]:
        written = unchanged = 0
        async for file in upwell.history.export(model=model):
            if write_history(folder, file.path, file.content, overwrite=overwrite):
                written += 1
            else:
                unchanged += 1
        return written, unchanged

    try:
        written, unchanged = run(data, work)
    except OSError as error:
        raise ToolError(f"{error.filename} cannot be written: {error.strerror}.") from error
    typer.echo(f"{counted(written, 'file')} written, {unchanged:,} unchanged")


def _rows(entries: Sequence[pb.HistoryEntry]) -> list[tuple[object, ...]]:
    """A row each, with the hyperparameters that are not the same in all of them; JSON has the rest."""
    given = [json_format.MessageToDict(entry.hyperparameters) for entry in entries]
    names = {name for one in given for name in one}
    differing = {name for name in names if len({shown(one.get(name)) for one in given}) > 1}
    return [_row(entry, one, differing) for entry, one in zip(entries, given, strict=True)]


def _row(entry: pb.HistoryEntry, hyperparameters: Mapping[str, Any], differing: AbstractSet[str]) -> tuple[object, ...]:
    return (
        version_name(entry.model),
        entry.stage,
        entry.dataset,
        f"{entry.steps:,}",
        f"{entry.total_steps:,}",
        f"{entry.epochs:g}" if entry.epochs else "",
        ", ".join(f"{name}={value:.4g}" for name, value in sorted(entry.metrics.items())),
        ", ".join(f"{name}={shown(value)}" for name, value in sorted(hyperparameters.items()) if name in differing),
        when(entry.started_at),
        when(entry.finished_at),
    )


def shown(value: Any) -> str:
    """A JSON value for a person: numbers short, text bare, the rest as JSON; a dash where there is none."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _remark(found: pb.GetHistoryResponse) -> str:
    parent = found.unknown_parent
    if parent.run_id:
        begin = f"{version_name(parent)}, which is not registered here"
    else:
        begin = found.base.name or "an unknown base"
    weights = "stored" if found.checkpoint_digest else f"not stored ({found.checkpoint or 'no checkpoint is named'})"
    return f"Began from {begin}; the weights are {weights}."

"""`upwell models list|show|promote`; the other commands of the group have files of their own."""

from __future__ import annotations

from typing import Annotated

import typer

from upwell.cli import aliases, gates, versions
from upwell.cli.output import print_json, print_table, say, short, version_name, when
from upwell.cli.session import DataOption, JsonOption, parse_version, run
from upwell.cli.specs import read_spec
from upwell.client import Upwell
from upwell.registry.v1 import registry_service_pb2

app = typer.Typer(help="Look at models, promote them, and control what serves.", no_args_is_help=True)
app.add_typer(gates.app, name="gate")
app.command()(aliases.ledger)
app.command()(aliases.serving)
app.command()(aliases.rollback)
app.command()(aliases.clear)
app.command()(versions.copy)
app.command()(versions.sign)
app.command("delete")(versions.delete_model)


@app.command("list")
def list_models(
    name: Annotated[str, typer.Option(help="Only versions of this model.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    deleted: Annotated[bool, typer.Option("--deleted", help="List deleted versions too.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List model versions, newest first.

    Examples:
    - `upwell models list`
    - `upwell models list --name bleeding-detector --json`
    """
    versions = run(data, lambda upwell: upwell.registry.models(name=name, limit=limit, include_deleted=deleted))
    if as_json:
        print_json(versions)
        return
    rows = [
        (
            version_name(v.ref),
            "deleted" if v.HasField("deletion") else ", ".join(v.aliases),
            v.recipe,
            v.base.name or "-",
            version_name(v.dataset),
            when(v.registered_at),
            v.ref.run_id,
        )
        for v in versions
    ]
    columns = ["model", "aliases", "recipe", "base", "dataset", "registered", "run"]
    print_table(columns, rows, empty="No models yet: `upwell train RECIPE --dataset D --model M` makes one.")


@app.command()
def show(
    model: Annotated[str, typer.Argument(help="NAME@4, NAME:alias, or NAME for its champion.")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one model version, what it is made for (family and spec, as its bundle says), and the moves of its aliases.

    Examples:
    - `upwell models show bleeding-detector@1`
    - `upwell models show bleeding-detector:champion --json`
    """

    async def work(
        upwell: Upwell,
    ) -> tuple[registry_service_pb2.ModelVersion, list[registry_service_pb2.AliasMove], list[tuple[str, str]]]:
        version = await upwell.registry.model(model)
        moves = list(await upwell.registry.alias_moves(version.ref.name))
        return version, moves, [] if as_json else await read_spec(upwell, version)

    version, moves, spec = run(data, work)
    if as_json:
        print_json(version)
        return
    facts = [
        ("model", version_name(version.ref)),
        ("aliases", ", ".join(version.aliases) or "-"),
        ("run", version.ref.run_id),
        ("recipe", version.recipe),
        ("base", f"{version.base.name} {short(version.base.digest)}".strip() or "-"),
        ("dataset", version_name(version.dataset)),
        ("bundle", version.bundle_digest),
        ("signed by", ", ".join(signature.key for signature in version.signatures) or "-"),
        ("registered", when(version.registered_at)),
        *spec,
        *((f"metric {name}", f"{value:.6g}") for name, value in sorted(version.metrics.items())),
    ]
    print_table(["fact", "value"], facts, empty="")
    for move in moves:
        kind = aliases.kind_name(move.kind)
        what = "" if kind == "moved" else f" ({kind})"
        who = f"by {move.moved_by} {aliases.remark(move)}".strip()
        say(f"{when(move.moved_at)} {move.alias}: {aliases.way(move)}{what} {who}")


@app.command()
def promote(
    model: Annotated[str, typer.Argument(help="NAME@4.")],
    *,
    alias: Annotated[str, typer.Option(help="The alias to move.")] = "champion",
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger.")] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Even though its gate refuses it; needs the role admin, and is kept.")
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move an alias to a version; every server loads it and switches.

    Examples:
    - `upwell models promote bleeding-detector@1 --reason "hit the known anomaly"`
    """
    name, version = parse_version(model)
    move = run(
        data,
        lambda upwell: upwell.registry.promote(name, version=version, alias=alias, reason=reason, force=force),
    )
    if as_json:
        print_json(move)
        return
    typer.echo(f"{move.model}:{move.alias} -> {move.model}@{move.to_version}")

"""`upwell bases list|add`."""

from __future__ import annotations

from typing import Annotated

import typer

from upwell.cli.output import print_json, print_table, say, short
from upwell.cli.session import DataOption, JsonOption, run
from upwell.client import Upwell
from upwell.registry.v1 import registry_service_pb2
from upwell.train.v1 import base_service_pb2

app = typer.Typer(help="Look at the bases that runs start from, and add some.", no_args_is_help=True)
STORED = "stored"


@app.command("list")
def list_bases(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the bases a run may name, and those that were stored under a name.

    Examples:
    - `upwell bases list`
    """

    async def work(
        upwell: Upwell,
    ) -> tuple[list[base_service_pb2.AvailableBase], list[registry_service_pb2.Base]]:
        return list(await upwell.bases.available()), list(await upwell.registry.bases())

    available, stored = run(data, work)
    if as_json:
        print_json(merged(available, stored))
        return
    rows = [(one.name, one.origin, short(one.digest), one.lacks or one.summary) for one in merged(available, stored)]
    print_table(["base", "origin", "digest", ""], rows, empty="No bases.")


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="The name that runs will call it by.")],
    *,
    source: Annotated[
        str, typer.Option("--from", help="hub:OWNER/NAME, folder:NAME in the server's bases folder, or built-in:NAME.")
    ],
    revision: Annotated[str, typer.Option(help="hub: branch, tag or commit.", show_default="main")] = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a base on the server, store it and give it a name (role admin).

    Examples:
    - `upwell bases add smollm2 --from built-in:smollm2-135m`
    - `upwell bases add qwen3 --from hub:Qwen/Qwen3-0.6B`
    - `upwell bases add ours --from folder:our-qwen`
    """
    answer = run(data, lambda upwell: upwell.bases.add(name, source=source, revision=revision))
    if as_json:
        print_json(answer)
        return
    say(f"{answer.base.name} is stored: {short(answer.base.digest)}")
    typer.echo(answer.base.digest)


def merged(
    available: list[base_service_pb2.AvailableBase], stored: list[registry_service_pb2.Base]
) -> list[base_service_pb2.AvailableBase]:
    """What a run may name with the digest it was stored under, then what was stored and can no longer be named."""
    newest = {one.ref.name: one.ref.digest for one in stored}
    named = [
        base_service_pb2.AvailableBase(
            name=one.name,
            origin=one.origin,
            summary=one.summary,
            lacks=one.lacks,
            digest=one.digest or newest.get(one.name, ""),
        )
        for one in available
    ]
    shown = {(one.name, one.digest) for one in named}
    others = [
        base_service_pb2.AvailableBase(name=one.ref.name, origin=STORED, digest=one.ref.digest)
        for one in stored
        if (one.ref.name, one.ref.digest) not in shown
    ]
    return [*named, *others]

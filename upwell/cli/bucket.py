"""`upwell verify` and `upwell gc`: what lies in the object store."""

from __future__ import annotations

from typing import Annotated

import typer

from upwell.cli.output import counted, print_json, print_table, progress_bar, say, short, size, when
from upwell.cli.session import DataOption, JsonOption, run
from upwell.client import Upwell
from upwell.errors import ToolError, UpwellClientError
from upwell.registry.v1 import artifact_service_pb2 as artifacts

NOT_THERE = {"NOT_FOUND", "INVALID_ARGUMENT"}


def verify(
    version: Annotated[str, typer.Argument(help="NAME@3 of a dataset or model, or a base's name.")] = "",
    *,
    every: Annotated[bool, typer.Option("--all", help="Every version that the registry knows.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hash files again and tell which are damaged or missing. Exit code 1 when one is.

    Examples:
    - `upwell verify bleeding-detector@1`
    - `upwell verify --all`
    """
    if every == bool(version):
        raise ToolError("Name a version, or write --all.")

    async def work(upwell: Upwell) -> tuple[list[artifacts.VerifyResponse], artifacts.VerifyResponse]:
        chosen = await _chosen(upwell, version) if version else {}
        bad, last = [], artifacts.VerifyResponse()
        with progress_bar() as bar:
            task = bar.add_task("verifying", total=None, note="")
            async for last in upwell.artifacts.verify(**chosen):
                bar.update(task, completed=last.versions_done, total=last.versions_total, note=size(last.bytes_done))
                if last.state in {artifacts.FILE_STATE_DAMAGED, artifacts.FILE_STATE_MISSING}:
                    bad.append(last)
        return bad, last

    bad, last = run(data, work)
    if as_json:
        print_json(bad)
    elif bad:
        rows = [(one.reference, one.path or "(manifest)", _state(one.state), short(one.sha256)) for one in bad]
        print_table(["version", "file", "state", "sha256"], rows, empty="")
    say(
        f"{counted(last.versions_done, 'version')}, {counted(last.files_done, 'file')}, {size(last.bytes_done)}: "
        f"{len(bad) or 'none'} damaged or missing"
    )
    if bad:
        raise typer.Exit(1)


def gc(
    yes: Annotated[bool, typer.Option("--yes", help="Delete them; without it nothing is deleted.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the blobs that no version lists and that are older than a day, and delete them with --yes.

    Examples:
    - `upwell gc`
    - `upwell gc --yes`
    """

    async def work(upwell: Upwell) -> list[artifacts.CollectGarbageResponse]:
        return [answer async for answer in upwell.artifacts.collect_garbage(delete=yes)]

    *garbage, sums = run(data, work)
    if as_json:
        print_json(garbage)
    else:
        rows = [(short(blob.sha256), size(blob.size_bytes), when(blob.modified_at)) for blob in garbage]
        print_table(["blob", "size#", "written"], rows, empty="No garbage.")
    if garbage:
        said = f"{counted(sums.count, 'blob')}, {size(sums.size_bytes)}"
        say(f"Deleted {said}." if yes else f"{said}: `upwell gc --yes` deletes them.")


async def _chosen(upwell: Upwell, version: str) -> dict[str, str]:
    """What sort of version is meant, by who knows it."""
    known = {}
    asked = {"dataset": upwell.registry.dataset, "model": upwell.registry.model, "base": upwell.registry.base}
    for sort, ask in asked.items():
        try:
            await ask(version)
            known[sort] = version
        except UpwellClientError as error:
            if error.code not in NOT_THERE:
                raise
    if not known:
        raise ToolError(f"There is no dataset version, model version or base {version!r}.")
    if len(known) > 1:
        raise ToolError(f"{version!r} names a {' and a '.join(known)}: use `upwell verify --all`.")
    return known


def _state(state: artifacts.FileState.ValueType) -> str:
    return artifacts.FileState.Name(state).removeprefix("FILE_STATE_").lower()

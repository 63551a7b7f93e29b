"""`upwell datasets list|show|preview`; deleting has a file of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from google.protobuf import json_format

from upwell.cli import versions
from upwell.cli.output import (
    place_in_time,
    print_json,
    print_stacked,
    print_table,
    row_count,
    short,
    size,
    version_name,
    when,
)
from upwell.cli.plot import WIDTH, extent, sparkline
from upwell.cli.session import DataOption, JsonOption, run
from upwell.client import Upwell
from upwell.ingest.v1 import chat_pb2, ingest_service_pb2, table_pb2

app = typer.Typer(help="Look at datasets.", no_args_is_help=True)
app.command("delete")(versions.delete_dataset)
CHAT = "chat/v1"
FIELD = "field/v1"
TABLES = ("profile/v1", "plans/v1")
# Cells of so many characters still make a table.
NARROW = 40
DatasetArgument = Annotated[str, typer.Argument(help="NAME@3, or NAME for the newest version.")]


@app.command("list")
def list_datasets(
    name: Annotated[str, typer.Option(help="Only versions of this dataset.")] = "",
    kind: Annotated[str, typer.Option(help="Only this kind, e.g. series/v1.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List dataset versions, newest first.

    Examples:
    - `upwell datasets list`
    - `upwell datasets list --kind segments/v1 --json`
    """
    versions = run(data, lambda upwell: upwell.registry.datasets(name=name, kind=kind, limit=limit))
    if as_json:
        print_json(versions)
        return
    rows = [
        (
            version_name(v.ref),
            v.kind,
            row_count(v.meta),
            size(v.size_bytes),
            when(v.registered_at),
            short(v.ref.manifest_digest),
        )
        for v in versions
    ]
    columns = ["dataset", "kind", "rows#", "size#", "registered", "manifest"]
    print_table(columns, rows, empty="No datasets yet: `upwell ingest csv FILE --name NAME` makes one.")


@app.command()
def show(dataset: DatasetArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show one dataset version and the facts in its manifest.

    Examples:
    - `upwell datasets show pump-7@3`
    """
    version = run(data, lambda upwell: upwell.registry.dataset(dataset))
    if as_json:
        print_json(version)
        return
    facts = [
        ("dataset", version_name(version.ref)),
        ("kind", version.kind),
        ("manifest", version.ref.manifest_digest),
        ("size", size(version.size_bytes)),
        ("producer", version.producer),
        ("registered", when(version.registered_at)),
        *((key, _fact(value)) for key, value in sorted(json_format.MessageToDict(version.meta).items())),
    ]
    print_table(["fact", "value"], facts, empty="")


@app.command()
def preview(
    dataset: DatasetArgument,
    *,
    channel: Annotated[list[str] | None, typer.Option("--channel", help="Only this one; again for more.")] = None,
    start_row: Annotated[int, typer.Option(min=0, help="First row.")] = 0,
    end_row: Annotated[int, typer.Option(min=0, help="First row after the range; 0 means the end.")] = 0,
    buckets: Annotated[int, typer.Option(min=1, max=10000, help="Characters a line, or buckets in JSON.")] = WIDTH,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw each channel of a series, the Nino indices of a field, or show the first rows of a chat, profile or plans.

    Examples:
    - `upwell datasets preview pump-7`
    - `upwell datasets preview pump-7@2 --start-row 1000 --end-row 2000`
    - `upwell datasets preview ocean --channel nino34`
    - `upwell datasets preview questions --start-row 20 --end-row 23`
    - `upwell datasets preview grid-plans`
    """

    async def work(
        upwell: Upwell,
    ) -> ingest_service_pb2.PreviewResponse | chat_pb2.PreviewConversationsResponse | table_pb2.PreviewRowsResponse:
        version = await upwell.registry.dataset(dataset)
        if version.kind == FIELD and not as_json:
            typer.echo(field_line(json_format.MessageToDict(version.meta)))
        digest, count = version.ref.manifest_digest, max(end_row - start_row, 1) if end_row else 0
        if version.kind in TABLES:
            return await upwell.ingest.rows(digest, start_row=start_row, count=count)
        if version.kind == CHAT:
            return await upwell.ingest.conversations(digest, start_row=start_row, count=count)
        return await upwell.ingest.preview(
            digest,
            channels=channel or (),
            start_row=start_row,
            end_row=end_row,
            buckets=buckets,
        )

    answer = run(data, work)
    if as_json:
        print_json(answer)
        return
    typer.echo(f"{answer.rows:,} rows")
    if isinstance(answer, table_pb2.PreviewRowsResponse):
        print_rows(answer)
        return
    lines = (
        conversation_lines(answer, start_row)
        if isinstance(answer, chat_pb2.PreviewConversationsResponse)
        else preview_lines(answer)
    )
    for line in lines:
        typer.echo(line)


def field_line(meta: Mapping[str, Any]) -> str:
    """When a field begins and ends, and what it holds."""
    channels = ", ".join(f"{channel['name']} ({channel['units']})" for channel in meta["channels"])
    return f"{meta['start']} to {meta['end']}: {channels}"


def preview_lines(answer: ingest_service_pb2.PreviewResponse) -> list[str]:
    """Two lines a channel: what it is, and its values drawn."""
    clock = answer.time == "utc"
    lines = []
    for channel in answer.channels:
        values = extent(channel.buckets)
        between = f"{values[0]:.6g} .. {values[1]:.6g}" if values else "no values"
        begin = place_in_time(channel.buckets[0].start_time, clock=clock) if channel.buckets else ""
        lines += [f"{channel.channel}  ({between}; from {begin})", sparkline(channel.buckets)]
    return lines


def conversation_lines(answer: chat_pb2.PreviewConversationsResponse, start_row: int) -> list[str]:
    """A line that names each conversation, then its turns."""
    lines = []
    for row, conversation in enumerate(answer.conversations, start=start_row):
        lines.append(f"-- {row}  {conversation.id}".rstrip())
        for turn in conversation.turns:
            omitted = f" ... ({turn.omitted_characters:,} more characters)" if turn.omitted_characters else ""
            lines.append(f"{turn.speaker}: {turn.text}{omitted}")
    return lines


def print_rows(answer: table_pb2.PreviewRowsResponse) -> None:
    """A table; where texts are long, the first cell of a row and then a line for each of the others."""
    if all(len(cell) <= NARROW for row in answer.shown for cell in row.cells):
        print_table(answer.columns, [row.cells for row in answer.shown], empty="")
        return
    print_stacked(answer.columns, [row.cells for row in answer.shown])


def _fact(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return f"{int(value)}"
    if isinstance(value, list):
        return ", ".join(_fact(item) for item in value)
    if isinstance(value, dict):
        return str(value["name"]) if set(value) == {"name"} else " ".join(f"{k}={_fact(v)}" for k, v in value.items())
    return str(value)

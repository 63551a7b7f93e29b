"""`upwell datasets list|show|preview`; deleting has a file of its own."""

from __future__ import annotations

from typing import Annotated

import typer
from google.protobuf import json_format

from upwell.cli import versions
from upwell.cli.facts import fact_text, facts_in_order
from upwell.cli.fields import FIELD
from upwell.cli.output import (
    print_json,
    print_table,
    row_count,
    short,
    size,
    version_name,
    when,
)
from upwell.cli.plot import WIDTH
from upwell.cli.preview import conversation_lines, field_lines, preview_lines, print_rows
from upwell.cli.session import DataOption, JsonOption, run
from upwell.client import Upwell
from upwell.errors import ToolError
from upwell.ingest.v1 import chat_pb2, ingest_service_pb2, table_pb2
from upwell.registry.v1 import registry_service_pb2

app = typer.Typer(help="Look at datasets.", no_args_is_help=True)
app.command("delete")(versions.delete_dataset)
CHAT = "chat/v1"
TABLES = ("profile/v1", "plans/v1", "segments/v1")
# Kinds of which rows are shown, and no channels are drawn.
OF_ROWS = (CHAT, *TABLES)
Previewed = ingest_service_pb2.PreviewResponse | chat_pb2.PreviewConversationsResponse | table_pb2.PreviewRowsResponse
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
        *((name, fact_text(value)) for name, value in facts_in_order(json_format.MessageToDict(version.meta))),
    ]
    print_table(["fact", "value"], [fact for fact in facts if fact[1]], empty="")


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
    """Draw each channel of a series, the Nino indices of a field, or show rows of a chat, a profile, plans or labels.

    Examples:
    - `upwell datasets preview pump-7`
    - `upwell datasets preview pump-7@2 --start-row 1000 --end-row 2000`
    - `upwell datasets preview ocean --channel nino34`
    - `upwell datasets preview questions --start-row 20 --end-row 23`
    - `upwell datasets preview grid-plans`
    - `upwell datasets preview pump-labels`
    """

    async def work(upwell: Upwell) -> tuple[registry_service_pb2.DatasetVersion, Previewed]:
        version = await upwell.registry.dataset(dataset)
        if channel and version.kind in OF_ROWS:
            raise ToolError(
                f"{version_name(version.ref)} is {version.kind}, which has no channels: leave --channel out."
            )
        digest, count = version.ref.manifest_digest, max(end_row - start_row, 1) if end_row else 0
        if version.kind in TABLES:
            return version, await upwell.ingest.rows(digest, start_row=start_row, count=count)
        if version.kind == CHAT:
            return version, await upwell.ingest.conversations(digest, start_row=start_row, count=count)
        return version, await upwell.ingest.preview(
            digest,
            channels=channel or (),
            start_row=start_row,
            end_row=end_row,
            buckets=buckets,
        )

    version, answer = run(data, work)
    if as_json:
        print_json(answer)
        return
    typer.echo(f"{answer.rows:,} rows")
    if isinstance(answer, table_pb2.PreviewRowsResponse):
        print_rows(answer)
        return
    if isinstance(answer, chat_pb2.PreviewConversationsResponse):
        lines = conversation_lines(answer, start_row)
    elif version.kind == FIELD:
        lines = field_lines(answer, json_format.MessageToDict(version.meta), start_row, end_row)
    else:
        lines = preview_lines(answer)
    for line in lines:
        typer.echo(line)

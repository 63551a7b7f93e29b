"""`upwell ingest SOURCE PATH`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from google.protobuf import json_format

from upwell.cli.assignments import parse_settings
from upwell.cli.fields import FIELD, made_lines
from upwell.cli.output import print_json, progress_bar, row_count, say, version_name
from upwell.cli.session import DataOption, JsonOption, SetOption, run
from upwell.client import Upwell
from upwell.client.failures import in_sentences
from upwell.client.waiting import until
from upwell.common.v1 import common_pb2
from upwell.errors import ToolError
from upwell.ingest.v1 import events_pb2, ingest_service_pb2
from upwell.registry.v1 import registry_service_pb2

IMPORT_LIMIT_S = 3600.0


def ingest(
    source: Annotated[
        str, typer.Argument(help="What the file is: csv, parquet, chat, field, profile; see `upwell sources list`.")
    ],
    path: Annotated[
        Path,
        typer.Argument(
            help="The file, or the folder of a Zarr store; with --on-server, its path in the import folder."
        ),
    ],
    *,
    name: Annotated[str, typer.Option(help="Name of the dataset.")],
    on_server: Annotated[bool, typer.Option("--on-server", help="PATH lies in the server's import folder.")] = False,
    layout: Annotated[str, typer.Option(help="auto, wide (a column a channel) or long.", show_default="auto")] = "",
    time_column: Annotated[str, typer.Option(help="Its name.", show_default="the first named like a time")] = "",
    time_format: Annotated[str, typer.Option(help="auto, iso8601, s, ms, us, ns or index.", show_default="auto")] = "",
    timezone: Annotated[str, typer.Option(help="IANA zone of times without an offset.", show_default="UTC")] = "",
    channel: Annotated[list[str] | None, typer.Option(help="Only this channel; again for more.")] = None,
    channel_column: Annotated[str, typer.Option(help="Long layout: the channel.", show_default="channel")] = "",
    value_column: Annotated[str, typer.Option(help="Long layout: the value.", show_default="value")] = "",
    missing: Annotated[str, typer.Option(help="refuse or keep a literal NaN.", show_default="refuse")] = "",
    downsample_to: Annotated[int, typer.Option(min=0, help="Keep about so many rows; 0 keeps all.")] = 0,
    delimiter: Annotated[str, typer.Option(help="CSV: field separator.", show_default=",")] = "",
    encoding: Annotated[str, typer.Option(help="CSV: text encoding.", show_default="utf-8")] = "",
    max_line_bytes: Annotated[
        int, typer.Option(min=0, help="CSV: longest line accepted; 0 means 1 MiB.", show_default="0")
    ] = 0,
    settings: SetOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a dataset of a file and print the version the registry gave it.

    The options are for series. Other sources take parameters: `--set NAME=VALUE`, see `upwell sources show SOURCE`.

    Examples:
    - `upwell ingest csv pump.csv --name pump-7`
    - `upwell ingest csv gait.csv --name gait --time-column t --time-format ms --timezone Asia/Shanghai`
    - `upwell ingest parquet pump.parquet --name pump-7`
    - `upwell ingest chat sharegpt.json --name questions`
    - `upwell ingest field sst.nc --name sst --set base_start=1982`
    - `upwell ingest field pacific.zarr --name pacific`
    """
    options = events_pb2.ReadOptions(
        layout=layout,
        time_column=time_column,
        time_format=time_format,
        timezone=timezone,
        channel_column=channel_column,
        value_column=value_column,
        channels=channel or (),
        delimiter=delimiter,
        encoding=encoding,
        max_line_bytes=max_line_bytes,
        missing=missing,
        downsample_to=downsample_to,
    )
    request = events_pb2.IngestRequested(name=name, source=source, path=path.as_posix(), options=options)
    request.parameters.update(parse_settings(settings))

    async def work(upwell: Upwell) -> registry_service_pb2.DatasetVersion:
        made = await (_import(upwell, request) if on_server else _upload(upwell, path, request))
        return await upwell.numbering.dataset(made)

    version = run(data, work)
    if as_json:
        print_json(version)
        return
    say(f"{row_count(version.meta)} rows")
    if version.kind == FIELD:
        for line in made_lines(json_format.MessageToDict(version.meta)):
            say(line)
    typer.echo(version_name(version.ref))


async def _upload(upwell: Upwell, path: Path, request: events_pb2.IngestRequested) -> common_pb2.DatasetRef:
    with progress_bar() as bar:
        task = bar.add_task(path.name, total=None, note="bytes")

        def sent(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, note="bytes" if done < total else "being stored ...")

        def packed(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, note="bytes packed")

        answer: ingest_service_pb2.IngestResponse = await upwell.ingest.file(
            path,
            name=request.name,
            source=request.source,
            options=request.options,
            parameters=dict(request.parameters),
            progress=sent,
            packing=packed,
        )
    return answer.dataset


async def _import(upwell: Upwell, request: events_pb2.IngestRequested) -> common_pb2.DatasetRef:
    job_id = await upwell.ingest.start_import(request)

    async def ended() -> ingest_service_pb2.IngestJob | None:
        job = await upwell.ingest.job(job_id)
        return job if job.state in {common_pb2.WORK_STATE_COMPLETED, common_pb2.WORK_STATE_FAILED} else None

    job = await until(ended, within_s=IMPORT_LIMIT_S, what=f"The end of ingest job {job_id}")
    if job.state == common_pb2.WORK_STATE_FAILED:
        raise ToolError(in_sentences(job.failure))
    return job.dataset

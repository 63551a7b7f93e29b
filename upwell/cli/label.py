"""`upwell label run|list|show|jobs`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from upwell.cli.assignments import parse_settings
from upwell.cli.described import print_parameters
from upwell.cli.output import console, counted, print_json, print_table, say, state_name, version_name
from upwell.cli.session import DataOption, JsonOption, SetOption, run
from upwell.client import Upwell
from upwell.client.failures import in_sentences
from upwell.client.waiting import until
from upwell.common.v1 import common_pb2
from upwell.errors import ToolError
from upwell.label.v1 import label_service_pb2

app = typer.Typer(help="Have algorithms propose labels.", no_args_is_help=True)
LIMIT_S = 3600.0
ENDED = {common_pb2.WORK_STATE_COMPLETED, common_pb2.WORK_STATE_FAILED, common_pb2.WORK_STATE_CANCELLED}


@app.command("run")
def run_labeler(
    dataset: Annotated[str, typer.Argument(help="NAME@3, or NAME for the newest version.")],
    *,
    labeler: Annotated[str, typer.Option("--labeler", help="See `upwell label list`, `upwell label show`.")],
    settings: SetOption = None,
    output: Annotated[str, typer.Option(help="Name of the dataset, for a labeler that makes one.")] = "",
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Print the job's id and return.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a labeler over a dataset and print how many candidates it proposed, or the dataset it made.

    Examples:
    - `upwell label run pump-7 --labeler robust`
    - `upwell label run pump-7@2 --labeler inject --set seed=7 --output pump-7-injected`
    - `upwell label run profile --labeler plan-oracle --set samples=5000 --output plans`
    """
    parameters = parse_settings(settings)

    async def work(upwell: Upwell) -> label_service_pb2.LabelJob:
        job_id = await upwell.label.start(dataset, labeler=labeler, parameters=parameters, output=output)
        if no_wait:
            return await upwell.label.job(job_id)
        with console(stderr=True).status(f"{labeler} looks at {dataset} ..."):
            job = await ended_job(upwell, job_id)
        if job.output.name:
            job.output.CopyFrom((await upwell.numbering.dataset(job.output)).ref)
        return job

    job = run(data, work)
    if as_json:
        print_json(job)
    elif no_wait:
        typer.echo(job.job_id)
    elif job.output.name and not job.candidate_count:
        say(f"made by {job.labeler}")
        typer.echo(version_name(job.output))
    else:
        say(f"{counted(job.candidate_count, 'candidate')} by {job.labeler}: see `upwell review list {dataset}`")
        if job.output.name:
            typer.echo(version_name(job.output))
        elif not sys.stdout.isatty():
            # For a program; a person has just read it.
            typer.echo(job.candidate_count)


@app.command("list")
def list_labelers(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the labelers that are installed.

    Examples:
    - `upwell label list`
    """
    labelers = run(data, lambda upwell: upwell.label.labelers())
    if as_json:
        print_json(labelers)
        return
    rows = [
        (one.name, ", ".join(one.kinds), one.makes or "-", len(one.described_parameters), one.summary)
        for one in labelers
    ]
    columns = ["labeler", "reads", "makes", "parameters#", "summary"]
    print_table(columns, rows, empty="No labelers are installed where svc_label runs.")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="The labeler's name.")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a labeler reads and makes, and its parameters: each goes into `run` as `--set NAME=VALUE`.

    Examples:
    - `upwell label show robust`
    """
    labeler = run(data, lambda upwell: upwell.label.labeler(name))
    if as_json:
        print_json(labeler)
        return
    print_parameters(labeler.described_parameters, empty=f"{labeler.name} has no parameters.")
    makes = f"makes {labeler.makes}" if labeler.makes else "proposes labels"
    say(f"{labeler.name} reads {', '.join(labeler.kinds)} and {makes}. {labeler.summary}")


@app.command("jobs")
def list_jobs(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List labelling jobs, newest first.

    Examples:
    - `upwell label jobs`
    """
    jobs = run(data, lambda upwell: upwell.label.jobs(limit=limit))
    if as_json:
        print_json(jobs)
        return
    rows = [(j.job_id, j.dataset, j.labeler, state_name(j.state), j.candidate_count, j.failure.reason) for j in jobs]
    print_table(["job", "dataset", "labeler", "state", "candidates#", "failure"], rows, empty="No jobs yet.")


async def ended_job(upwell: Upwell, job_id: str, *, within_s: float = LIMIT_S) -> label_service_pb2.LabelJob:
    """The job once it is completed.

    Raises:
        ToolError: it failed, or did not end in time.
    """

    async def ended() -> label_service_pb2.LabelJob | None:
        job = await upwell.label.job(job_id)
        return job if job.state in ENDED else None

    job = await until(ended, within_s=within_s, what=f"The end of labelling job {job_id}")
    if job.state != common_pb2.WORK_STATE_COMPLETED:
        raise ToolError(in_sentences(job.failure) or f"Job {job_id} was cancelled.")
    return job

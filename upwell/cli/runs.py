"""`upwell runs list|show|watch|logs|metrics|cancel|resume`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer
from google.protobuf import json_format, struct_pb2

from upwell.cli.output import print_json, print_table, size, state_name, when, with_whole_numbers
from upwell.cli.run_logs import logs
from upwell.cli.run_metrics import metrics
from upwell.cli.session import DataOption, JsonOption, run
from upwell.cli.watching import watch_run
from upwell.client.failures import in_sentences
from upwell.common.v1 import common_pb2
from upwell.train.v1 import train_service_pb2

app = typer.Typer(help="Look at runs.", no_args_is_help=True)
app.command()(logs)
app.command()(metrics)
RunArgument = Annotated[str, typer.Argument(help="The run's id.")]


class State(StrEnum):
    """A run's state."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@app.command("list")
def list_runs(
    model: Annotated[str, typer.Option(help="Only runs for this model.")] = "",
    state: Annotated[State | None, typer.Option(help="Only runs in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List runs, newest first.

    Examples:
    - `upwell runs list`
    - `upwell runs list --state failed --json`
    """
    wanted = common_pb2.WorkState.Value(f"WORK_STATE_{state.name if state else 'UNSPECIFIED'}")
    runs = run(data, lambda upwell: upwell.train.runs(model=model, state=wanted, limit=limit))
    if as_json:
        print_json(runs)
        return
    rows = [
        (r.run_id, r.request.recipe, r.request.dataset, r.request.model, state_name(r.state), _progress(r), _remark(r))
        for r in runs
    ]
    columns = ["run", "recipe", "dataset", "model", "state", "step#", "remark"]
    print_table(columns, rows, empty="No runs yet: `upwell train RECIPE --dataset D --model M` asks for one.")


@app.command()
def show(run_id: RunArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show one run.

    Examples:
    - `upwell runs show 0b7e...`
    """
    found = run(data, lambda upwell: upwell.train.run(run_id))
    if as_json:
        print_json(found)
        return
    facts = [
        ("run", found.run_id),
        ("recipe", found.request.recipe),
        ("dataset", found.request.dataset),
        ("model", found.request.model),
        ("base", found.request.base or "the recipe's"),
        ("stage", found.request.stage),
        ("parent", found.request.parent or found.request.parent_run),
        *((f"set {key}", value) for key, value in _plain(found.request.hyperparameters).items()),
        ("state", state_name(found.state)),
        ("attempt", found.attempt),
        ("step", _progress(found)),
        ("place in the queue", found.queue_position or ""),
        ("checkpoint", _checkpoint(found)),
        ("remark", _remark(found)),
        *((f"retried with {name}", value) for name, value in _plain(found.retried_with).items()),
        *failure_facts(found),
        *((f"metric {name}", f"{value:.6g}") for name, value in sorted(found.metrics.items())),
        ("bundle", found.bundle_digest),
        ("recorded", when(found.created_at)),
        ("ended", when(found.finished_at)),
    ]
    print_table(["fact", "value"], [fact for fact in facts if fact[1] != ""], empty="")


@app.command()
def watch(
    run_id: RunArgument,
    *,
    logs: Annotated[bool, typer.Option("--logs", help="Also the lines of its log.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Follow a run from its beginning until it ends.

    Ctrl-C ends the watch alone; the run goes on.

    Exit code 1 when it does not complete, 3 when nothing is heard of svc_train for a minute; the run may go on then.

    Examples:
    - `upwell runs watch 0b7e...`
    - `upwell runs watch 0b7e... --logs`
    """
    ended = run(data, lambda upwell: watch_run(upwell, run_id, logs=logs))
    if as_json:
        print_json(ended)
        return
    typer.echo(f"{ended.run_id} {state_name(ended.state)}")


@app.command()
def cancel(run_id: RunArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Stop a run.

    Examples:
    - `upwell runs cancel 0b7e...`
    """
    found = run(data, lambda upwell: upwell.train.cancel(run_id))
    if as_json:
        print_json(found)
        return
    typer.echo(f"{found.run_id} {state_name(found.state)}")


@app.command()
def resume(run_id: RunArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Let a failed or cancelled run go on from its last checkpoint.

    Runs that failed only because they were to go on from its version are queued again too.

    Examples:
    - `upwell runs resume 0b7e...`
    """
    found = run(data, lambda upwell: upwell.train.resume(run_id))
    if as_json:
        print_json(found)
        return
    typer.echo(f"{found.run_id} {state_name(found.state)}")


def failure_facts(found: train_service_pb2.Run) -> list[tuple[str, str]]:
    """How the run failed; else how the attempt ended that last went wrong, and the lines that show it."""
    failed = found.HasField("failure")
    failure = found.failure if failed else found.last_failure
    when_it_was = [] if failed or not failure.cause else [("an attempt failed", in_sentences(failure))]
    return [("cause", failure.cause), *when_it_was, *(("evidence", line) for line in failure.evidence)]


def _plain(values: struct_pb2.Struct) -> dict[str, Any]:
    return dict(with_whole_numbers(json_format.MessageToDict(values)))


def _progress(found: train_service_pb2.Run) -> str:
    return f"{found.progress.step}/{found.progress.total_steps}" if found.HasField("progress") else ""


def _checkpoint(found: train_service_pb2.Run) -> str:
    if not found.HasField("checkpoint"):
        return ""
    saved = found.checkpoint
    return f"step {saved.step}, {size(saved.size_bytes)}, {when(saved.saved_at)}"


def _remark(found: train_service_pb2.Run) -> str:
    if found.queue_position:
        return f"number {found.queue_position} in the queue"
    if found.waiting_for:
        return f"waits for {found.waiting_for}"
    return in_sentences(found.failure)

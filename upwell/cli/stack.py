"""`upwell up`, `down`, `status`, `env`: the embedded stack."""

from __future__ import annotations

import asyncio
import shlex
from typing import Annotated

import typer

from upwell.cli.output import console, print_json, print_table, say
from upwell.cli.session import DataOption, JsonOption, folder_of, record_of
from upwell.local.environment import client_environment
from upwell.local.folder import DataFolder
from upwell.local.state import Phase, StackReport, living_state

NEXT = (
    'In another terminal: eval "$(upwell env{option})"   then, for example: '
    "upwell ingest csv FILE.csv --name NAME   |   upwell status{option}   |   upwell demo"
)


def up(
    data: DataOption = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return when everything is ready.")] = False,
) -> None:
    """Start NATS, an S3 server and the five services on this machine.

    Everything they keep lies in the data folder. Ctrl-C stops them in order.

    Examples:
    - `upwell up`
    - `upwell up --data /var/lib/upwell --detach`
    """
    from upwell.local.background import start_background  # noqa: PLC0415 - needs the extra `local`
    from upwell.local.supervisor import run_stack  # noqa: PLC0415 - likewise

    folder = folder_of(data)
    if detach:
        with console(stderr=True).status(f"Starting Upwell in {folder.root} ..."):
            start_background(folder)
        say(f"Upwell is up in {folder.root}. Stop it with `upwell down{_option(data)}`.")
        return
    asyncio.run(run_stack(folder, listener=_Announcer(folder, _option(data))))


def down(data: DataOption = None) -> None:
    """Stop the stack that `upwell up` started.

    Examples:
    - `upwell down`
    """
    from upwell.local.background import stop_background  # noqa: PLC0415 - needs the extra `local`

    folder = folder_of(data)
    with console(stderr=True).status("Stopping: services finish what they have in hand ..."):
        stopped = stop_background(folder)
    say("Upwell has stopped." if stopped else f"No stack runs in {folder.root}.")


def status(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show each process: state, health, port, process id, restarts. Exit code 1 when not all of it is up.

    Examples:
    - `upwell status`
    - `upwell status --json`
    """
    from upwell.local.health import health  # noqa: PLC0415 - needs the extra `local`

    folder = folder_of(data)
    report = living_state(folder)
    healthy = asyncio.run(health(folder)) if report else {}
    if as_json:
        print_json(_as_json(folder, report, healthy))
    elif report is None:
        say(f"No stack runs in {folder.root}: start one with `upwell up`.")
    else:
        rows = [
            (p.name, p.state, "yes" if healthy.get(p.name) else "no", p.port, p.pid or "-", p.restarts)
            for p in report.processes
        ]
        print_table(["process", "state", "healthy", "port#", "pid#", "restarts#"], rows, empty="")
        say(f"{report.phase}; data in {folder.root}; supervisor {report.pid}")
    if report is None or not all(healthy.get(process.name) for process in report.processes):
        raise typer.Exit(1)


def env(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Print what a client needs: addresses, the bus, the access token.

    Examples:
    - `eval "$(upwell env)"`
    - `upwell env --json`
    """
    environment = client_environment(record_of(data))
    if living_state(folder_of(data)) is None:
        say("No stack runs here now; ports may change when it starts.")
    if as_json:
        print_json(dict(environment))
        return
    for name, value in environment.items():
        typer.echo(f"export {name}={shlex.quote(value)}")


class _Announcer:
    """Tells on stderr how the start goes."""

    def __init__(self, folder: DataFolder, option: str) -> None:
        self._folder = folder
        self._option = option
        self._told: set[str] = set()

    def __call__(self, report: StackReport) -> None:
        for process in report.processes:
            self._once(f"{process.name}-{process.state}-{process.restarts}", _news(process.name, process.state))
        if report.phase == Phase.READY:
            self._once("ready", f"Upwell is up; data in {self._folder.root}. Ctrl-C stops it.")
            self._once("next", NEXT.format(option=self._option))
        if report.phase == Phase.STOPPING:
            self._once("stopping", "Stopping: services finish what they have in hand ...")

    def _once(self, key: str, text: str) -> None:
        if text and key not in self._told:
            self._told.add(key)
            say(text)


def _news(name: str, state: str) -> str:
    return {"ready": f"  {name} is ready", "died": f"  {name} died; starting it again"}.get(state, "")


def _option(data: object) -> str:
    return f" --data {shlex.quote(str(data))}" if data else ""


def _as_json(folder: DataFolder, report: StackReport | None, healthy: dict[str, bool]) -> dict[str, object]:
    if report is None:
        return {"phase": "stopped", "data": str(folder.root), "pid": 0, "processes": []}
    processes = [
        {
            "name": process.name,
            "state": process.state,
            "healthy": healthy.get(process.name, False),
            "port": process.port,
            "pid": process.pid,
            "restarts": process.restarts,
            "log": process.log,
        }
        for process in report.processes
    ]
    return {"phase": report.phase, "data": str(folder.root), "pid": report.pid, "processes": processes}

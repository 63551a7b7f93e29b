"""`upwell plan`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from upwell.cli.output import print_json, print_table, say, version_name
from upwell.cli.session import DataOption, JsonOption, TimeoutOption, run
from upwell.cli.statefile import RESOURCES, read_state
from upwell.client.infer import DEADLINE_S
from upwell.infer.v1 import plan_pb2

PROFILE_ORDER = ("input_size", *RESOURCES, "latency_ms")


def plan(
    model: Annotated[str, typer.Argument(help="A planner: NAME@4, NAME:alias, or NAME for its champion.")],
    task: Annotated[str, typer.Argument(help="What is to be done, in words.")],
    *,
    state: Annotated[
        Path,
        typer.Option(
            help="What was in use of late, oldest first: CSV with the columns cpu_cores, memory_gb (GiB), gpu_sm, "
            "gpu_memory_gb (GiB), and a time if you like, or a JSON list of objects; as many rows as the model reads, "
            "see `window` in `upwell models show`. - reads stdin."
        ),
    ],
    timeout: TimeoutOption = DEADLINE_S,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask a planner which tool to use for a task, and with which configuration, on a system as it is.

    Examples:
    - `upwell plan planner "segment the lungs" --state state.csv`
    - `upwell plan planner@2 "把这张图分割一下" --state state.json --json`
    - `upwell plan planner "segment the lungs" --state - < state.csv`
    """
    used = read_state(state)
    answer = run(data, lambda upwell: upwell.infer.plan(model, task, used, deadline_s=timeout))
    if as_json:
        print_json(answer)
        return
    fits = "" if answer.feasible else ": nothing fits, so this is the least demanding configuration"
    say(f"{version_name(answer.model)}{fits}")
    choices = {"choice": answer.choice}
    if answer.HasField("runner_up"):
        other = "" if _job(answer.runner_up) == _job(answer.choice) else ", another job"
        choices[f"runner-up{other}"] = answer.runner_up
    numbers = in_order(answer.choice.configuration)
    names = ("tool", "config", "confidence", *numbers)
    columns = [
        (*_facts(choice), *(f"{choice.configuration[name]:g}" for name in numbers)) for choice in choices.values()
    ]
    print_table(["", *(f"{place}#" for place in choices)], zip(names, *columns, strict=True), empty="")


def _job(choice: plan_pb2.PlanChoice) -> tuple[int, float | None]:
    return choice.tool_id, choice.configuration.get("input_size")


def in_order(names: Iterable[str]) -> list[str]:
    """Names of a configuration's numbers in a profile's order, others behind: a protobuf map has no order."""
    places = {name: place for place, name in enumerate(PROFILE_ORDER)}
    return sorted(names, key=lambda name: (places.get(name, len(places)), name))


def _facts(choice: plan_pb2.PlanChoice) -> tuple[str, int, str]:
    return choice.tool, choice.config_id, f"{choice.confidence:.3f}"

"""`upwell ask`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from google.protobuf import json_format

from upwell.cli.output import print_json, say, version_name, with_whole_numbers
from upwell.cli.session import DataOption, JsonOption, TimeoutOption, run
from upwell.client.infer import DEADLINE_S
from upwell.errors import ToolError


def ask(
    model: Annotated[str, typer.Argument(help="NAME@4, NAME:alias, or NAME for its champion.")],
    inputs: Annotated[list[str], typer.Argument(help="JSON objects; what they hold is the model family's matter.")],
    *,
    timeout: TimeoutOption = DEADLINE_S,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask a model of any other family: it answers each JSON object with one, a line each.

    Series go to `upwell predict`, conversations to `upwell generate`, tasks to `upwell plan`, fields to
    `upwell forecast`.

    Examples:
    - `upwell ask line '{"x": 2}'`
    - `upwell ask line@1 '{"x": 2}' '{"x": 3}' --json`
    """
    values = _objects(inputs)
    answer = run(data, lambda upwell: upwell.infer.ask(model, values, deadline_s=timeout))
    if as_json:
        print_json(answer)
        return
    say(version_name(answer.model))
    for one in answer.answers:
        typer.echo(json.dumps(with_whole_numbers(json_format.MessageToDict(one)), ensure_ascii=False))


def _objects(texts: Sequence[str]) -> list[dict[str, Any]]:
    values = []
    for number, text in enumerate(texts, start=1):
        try:
            value = json.loads(text)
        except ValueError as error:
            raise ToolError(f'Input {number} is no JSON ({error}): write an object such as {{"x": 2}}.') from error
        if not isinstance(value, dict):
            raise ToolError(f'Input {number} is no JSON object: write one such as {{"x": 2}}.')
        values.append(value)
    return values

"""What may be set, as people read it: parameters and hyperparameters with their defaults and what is allowed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf import json_format

from upwell.cli.output import print_table, with_whole_numbers
from upwell.common.v1 import common_pb2


def print_parameters(parameters: Iterable[common_pb2.Parameter], *, empty: str) -> None:
    """A line for each parameter, in the order in which they come."""
    rows = [
        (one.name, type_name(one), as_set(json_format.MessageToDict(one.default_value)), allowed(_rule(one)), one.help)
        for one in parameters
    ]
    print_table(["parameter", "type", "default#", "allowed", "help"], rows, empty=empty)


def type_name(one: common_pb2.Parameter) -> str:
    """`int`, or `list of int`."""
    return f"list of {one.type}" if one.is_list else one.type


def allowed(rule: Mapping[str, Any]) -> str:
    """The choices, or the bounds: `1 to 4096`, `from 0`."""
    low, high = rule.get("low"), rule.get("high")
    if rule.get("choices"):
        told = ", ".join(str(one) for one in rule["choices"])
    elif low is not None and high is not None:
        told = f"{as_set(low)} to {as_set(high)}"
    elif low is not None:
        told = f"from {as_set(low)}"
    else:
        told = f"up to {as_set(high)}" if high is not None else ""
    return told


def as_set(value: Any) -> str:
    """As one would write it after `--set NAME=`; whole numbers arrive as doubles."""
    if isinstance(value, float) and not value.is_integer():
        return f"{value:g}"
    if isinstance(value, str):
        return value
    return json.dumps(with_whole_numbers(value), ensure_ascii=False, separators=(",", ":"))


def _rule(one: common_pb2.Parameter) -> dict[str, Any]:
    bounds = {name: getattr(one, name) for name in ("low", "high") if one.HasField(name)}
    return {**bounds, "choices": list(one.choices)}

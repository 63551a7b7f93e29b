"""Conditions of a gate as people write them: `f1>=0.6`, `f1>holder`, `loss<=holder+0.01`."""

from __future__ import annotations

import re
from collections.abc import Sequence

import typer

from upwell.registry.v1 import marks_pb2 as pb

HOLDER = "holder"
NUMBER = r"[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?"
CONDITION = re.compile(
    rf"\s*(?P<metric>[^<>=\s]+)\s*(?P<sign>>=|<=|>|<)\s*"
    rf"(?:(?P<number>-?(?:{NUMBER}))|{HOLDER}(?:\s*(?P<direction>[+-])\s*(?P<distance>{NUMBER}))?)\s*"
)
SIZE = re.compile(rf"\s*(?P<metric>[^<>=\s]+)\s*>=\s*(?P<least>{NUMBER})\s*")
# Which way the bar may be moved: a margin makes it harder, a tolerance easier.
DIRECTIONS = {">": "+", "<": "-", ">=": "-", "<=": "+"}
FORMS = (
    "METRIC>=NUMBER, METRIC<=NUMBER, METRIC>holder[+MARGIN], METRIC>=holder[-TOLERANCE]; < and <= where less is better"
)


def parse_conditions(texts: Sequence[str], size: str) -> list[pb.Condition]:
    """The conditions, each with the evaluation's size; an empty one asks for none.

    Raises:
        typer.BadParameter: a text is no condition.
    """
    made = [_condition(text) for text in texts]
    if size:
        found = SIZE.fullmatch(size)
        if not found:
            raise typer.BadParameter(f"{size!r}: write METRIC>=NUMBER, e.g. held_out_rows>=100", param_hint="--size")
        for condition in made:
            condition.size_metric, condition.minimum_size = found["metric"], float(found["least"])
    return made


def _condition(text: str) -> pb.Condition:
    found = CONDITION.fullmatch(text)
    if not found:
        raise typer.BadParameter(f"{text!r}: write {FORMS}", param_hint="--require")
    sign, less = found["sign"], found["sign"].startswith("<")
    if found["number"]:
        if sign not in {">=", "<="}:
            raise typer.BadParameter(f"{text!r}: compare with a number by >= or <=", param_hint="--require")
        comparison = pb.COMPARISON_AT_MOST if less else pb.COMPARISON_AT_LEAST
        return pb.Condition(metric=found["metric"], comparison=comparison, value=float(found["number"]))
    if found["direction"] and found["direction"] != DIRECTIONS[sign]:
        raise typer.BadParameter(
            f"{text!r}: with {sign} write {HOLDER}{DIRECTIONS[sign]}NUMBER", param_hint="--require"
        )
    return pb.Condition(
        metric=found["metric"],
        comparison=pb.COMPARISON_NOT_WORSE_THAN_HOLDER if "=" in sign else pb.COMPARISON_BETTER_THAN_HOLDER,
        value=float(found["distance"] or 0),
        smaller_is_better=less,
    )


def condition_text(condition: pb.Condition) -> str:
    """A condition as it is written."""
    if condition.comparison == pb.COMPARISON_AT_LEAST:
        return f"{condition.metric}>={condition.value:.10g}"
    if condition.comparison == pb.COMPARISON_AT_MOST:
        return f"{condition.metric}<={condition.value:.10g}"
    sign = "<" if condition.smaller_is_better else ">"
    if condition.comparison == pb.COMPARISON_NOT_WORSE_THAN_HOLDER:
        sign += "="
    distance = f"{DIRECTIONS[sign]}{condition.value:.10g}" if condition.value else ""
    return f"{condition.metric}{sign}{HOLDER}{distance}"


def size_text(condition: pb.Condition) -> str:
    """The size a condition asks for; empty where it asks for none."""
    return f"{condition.size_metric}>={condition.minimum_size:.10g}" if condition.size_metric else ""

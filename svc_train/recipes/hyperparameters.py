"""Hyperparameters: a frozen dataclass says name, default, unit, range and help; JSON is read into it strictly."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from typing import Any, TypeVar, get_type_hints

from shared.errors import FieldViolation, InvalidInputError

ConfigT = TypeVar("ConfigT")

FIELD = "hyperparameters"
_RULE = "hyperparameter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What is said of a hyperparameter beside its name, type and default.

    Args:
        help: one sentence.
        unit: what a number counts; empty for text and for pure numbers.
        low, high: bounds, both allowed; None where there is none.
        choices: the values allowed, for text.
    """

    help: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A hyperparameter, for a list that people read."""

    name: str
    type: str
    default: Any
    rule: Rule


def hyperparameter(default: Any, rule: Rule) -> Any:
    """A dataclass field that is a hyperparameter."""
    return field(default=default, metadata={_RULE: rule})


def parse(config_type: type[ConfigT], given: Mapping[str, Any]) -> ConfigT:
    """Read JSON values into a config; what is absent takes its default.

    Numbers may arrive as JSON doubles: 400.0 is the integer 400.

    Raises:
        InvalidInputError: with one violation for every unknown name, wrong type and value out of range. What the
            config itself refuses (numbers that do not fit together) comes after these.
    """
    known = {f.name: f for f in _fields(config_type)}
    types = get_type_hints(config_type)
    values: dict[str, Any] = {}
    violations: list[FieldViolation] = []
    for name, value in given.items():
        if name not in known:
            violations.append(FieldViolation(f"{FIELD}.{name}", _unknown(name, sorted(known))))
            continue
        try:
            values[name] = _checked(_typed(value, types[name]), _rule(known[name]))
        except ValueError as error:
            violations.append(FieldViolation(f"{FIELD}.{name}", str(error)))
    if violations:
        raise InvalidInputError("; ".join(f"{v.field}: {v.reason}" for v in violations), violations)
    return config_type(**values)


def resolved(config: Any) -> dict[str, Any]:
    """All hyperparameters of a config as JSON values, defaults included."""
    return asdict(config)


def describe(config_type: type[Any]) -> list[Description]:
    """The hyperparameters in the order in which they are declared."""
    types = get_type_hints(config_type)
    return [
        Description(name=f.name, type=types[f.name].__name__, default=f.default, rule=_rule(f))
        for f in _fields(config_type)
    ]


def _fields(config_type: type[Any]) -> Sequence[Field[Any]]:
    declared = fields(config_type)
    bare = [f.name for f in declared if _RULE not in f.metadata or f.default is MISSING]
    assert not bare, f"{config_type.__name__} declares fields without hyperparameter(): {bare}"
    return declared


def _rule(declared: Field[Any]) -> Rule:
    rule: Rule = declared.metadata[_RULE]
    return rule


def _unknown(name: str, known: Sequence[str]) -> str:
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if nearest:
        return f"unknown; did you mean {nearest[0]!r}?"
    return f"unknown; there are: {', '.join(known)}"


def _typed(value: Any, wanted: type[Any]) -> Any:
    """The value as the wanted type, where nothing is lost by that; ValueError otherwise."""
    # A bool is an int to Python, yet `"max_steps": true` is a mistake.
    if isinstance(value, bool) or wanted is bool:
        ok = isinstance(value, bool) and wanted is bool
    elif wanted is int:
        ok = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    elif wanted is float:
        ok = isinstance(value, int | float) and math.isfinite(value)
    else:
        ok = isinstance(value, wanted)
    if not ok:
        raise ValueError(f"{value!r} is not {_TYPE_NAMES[wanted]}")
    return wanted(value)


_TYPE_NAMES = {int: "a whole number", float: "a finite number", str: "text", bool: "true or false"}


def _checked(value: Any, rule: Rule) -> Any:
    """The value itself when the rule allows it, else ValueError saying what it allows."""
    unit = f" {rule.unit}" if rule.unit else ""
    if rule.choices and value not in rule.choices:
        nearest = difflib.get_close_matches(str(value), rule.choices, n=1)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
        raise ValueError(f"{value!r} is not one of: {', '.join(rule.choices)}{hint}")
    if rule.low is not None and value < rule.low:
        raise ValueError(f"{value} is too small: at least {rule.low:g}{unit}")
    if rule.high is not None and value > rule.high:
        raise ValueError(f"{value} is too large: at most {rule.high:g}{unit}")
    return value

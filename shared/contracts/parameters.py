"""Parameters of sources and labelers: typed dataclasses read strictly from JSON values."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from difflib import get_close_matches
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from shared.errors import InvalidInputError

ParametersT = TypeVar("ParametersT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What a parameter's value, or each item of its list, may be; bounds are inclusive.

    `digits`: a text may come as a whole number, as a year does from a command line that reads values as JSON.
    `help`: what the parameter is, for people.
    """

    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    digits: bool = False
    help: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A parameter, for a list that people read.

    Args:
        type: `int`, `float`, `str` or `bool`, of a list that of its items.
        is_list: whether it is a list of these.
        default: a JSON value.
    """

    name: str
    type: str
    is_list: bool
    default: Any
    allowed: Allowed


def parameter(
    default: Any,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    choices: Sequence[str] = (),
    digits: bool = False,
    help: str = "",  # noqa: A002 - as argparse calls it
) -> Any:
    """A field of a parameters dataclass with its default, what is allowed, and a sentence for people."""
    allowed = Allowed(low=low, high=high, choices=tuple(choices), digits=digits, help=help)
    return field(default=default, metadata={"allowed": allowed})


def parse_parameters(cls: type[ParametersT], values: Mapping[str, Any]) -> ParametersT:
    """Read parameters from JSON values; absent ones take their defaults.

    A whole number may come as a float (`51.0`), as protobuf's Struct carries it.

    Raises:
        InvalidInputError: an unknown name, a wrong type or a value out of range; the message says what is allowed.
    """
    hints = get_type_hints(cls)
    known = {f.name: f.metadata.get("allowed", Allowed()) for f in fields(cls)}  # type: ignore[arg-type]
    for name in values:
        if name not in known:
            raise InvalidInputError.of(f"parameters.{name}", f"there is no such parameter{_hint(name, known)}")
    return cls(**{name: _read(f"parameters.{name}", hints[name], known[name], v) for name, v in values.items()})


def parameters_as_json(parameters: Any) -> dict[str, Any]:
    """The parameters as JSON values, from which `parse_parameters` makes equal ones."""
    return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(parameters).items()}


def describe_parameters(cls: type[Any]) -> list[Description]:
    """The parameters in the order in which they are declared."""
    hints, defaults = get_type_hints(cls), parameters_as_json(cls())
    return [
        Description(
            name=f.name,
            type=_item_type(hints[f.name]).__name__,
            is_list=get_origin(hints[f.name]) is tuple,
            default=defaults[f.name],
            allowed=f.metadata.get("allowed", Allowed()),
        )
        for f in fields(cls)
    ]


def _item_type(hint: Any) -> type[Any]:
    item: type[Any] = get_args(hint)[0] if get_origin(hint) is tuple else hint
    return item


def _hint(name: str, known: Mapping[str, object]) -> str:
    near = get_close_matches(name, known, n=1)
    if not known:
        return ": none is taken here"
    return f"; did you mean {near[0]!r}?" if near else f": use {', '.join(known)}"


def _read(path: str, hint: Any, allowed: Allowed, value: Any) -> Any:
    if get_origin(hint) is not tuple:
        return _READERS[hint](path, allowed, value)
    items = [arg for arg in get_args(hint) if arg is not Ellipsis]
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise InvalidInputError.of(path, f"{value!r} is not a list{_as_list(path, len(items), value)}")
    if len(items) > 1 and len(value) != len(items):
        raise InvalidInputError.of(path, f"{list(value)!r} must have {len(items)} items")
    return tuple(_READERS[items[0]](f"{path}[{i}]", allowed, v) for i, v in enumerate(value))


def _as_list(path: str, items: int, value: Any) -> str:
    """How a lone value is written as a list on the command line; empty where no list of it would do."""
    # NaN has no JSON, and a flag would be refused within a list of numbers or texts too.
    is_flag = isinstance(value, bool)
    if is_flag or not isinstance(value, str | int | float) or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    # Whole numbers come as floats from a Struct.
    lone = int(value) if isinstance(value, float) and value.is_integer() else value
    listed = json.dumps([lone] * items, ensure_ascii=False)
    return f": write it as one, --set '{path.removeprefix('parameters.')}={listed}'"


def _read_float(path: str, allowed: Allowed, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInputError.of(path, f"{value!r} is not a number")
    if not math.isfinite(value):
        raise InvalidInputError.of(path, f"{value!r} is not a finite number")
    if not allowed.low <= value <= allowed.high:
        raise InvalidInputError.of(path, f"{value!r} is out of range: {_range(allowed)}")
    return float(value)


def _read_int(path: str, allowed: Allowed, value: Any) -> int:
    number = _read_float(path, allowed, value)
    if not number.is_integer():
        raise InvalidInputError.of(path, f"{value!r} is not a whole number")
    return int(value)


def _read_str(path: str, allowed: Allowed, value: Any) -> str:
    if allowed.digits and isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1:
        value = f"{value:.0f}"
    if not isinstance(value, str):
        raise InvalidInputError.of(path, f"{value!r} is not a text")
    if allowed.choices and value not in allowed.choices:
        near = get_close_matches(value, allowed.choices, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise InvalidInputError.of(path, f"{value!r} is not known; {hint}use one of {', '.join(allowed.choices)}")
    return value


def _read_bool(path: str, _allowed: Allowed, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidInputError.of(path, f"{value!r} is not true or false")
    return value


def _range(allowed: Allowed) -> str:
    if math.isinf(allowed.high):
        return f"use {allowed.low:g} or more"
    return f"use {allowed.low:g} to {allowed.high:g}"


_READERS = {bool: _read_bool, int: _read_int, float: _read_float, str: _read_str}

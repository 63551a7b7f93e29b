"""Chains of runs in a file: stages in YAML, each of which goes on from the version that the one before it made."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from upwell.errors import ToolError

NAMESPACE = uuid.UUID("0a8c6f52-9a0d-5f0c-8d53-2f6f4f0d9a41")
LARGEST_FILE = 2**20
MOST_STAGES = 100
CHAIN_FIELDS = ("chain", "model", "base", "parent", "stages")
STAGE_FIELDS = ("stage", "recipe", "dataset", "model", "base", "hyperparameters")
Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One run of a chain.

    `run_id` comes from all that decides the stage, those before it included: the same stage is always the same run,
    and a changed one, with all behind it, is another. `parent` is the version that the first stage goes on from,
    `parent_run` the run before; both are empty where the stage starts from its base.
    """

    run_id: str
    stage: str
    recipe: str
    dataset: str
    model: str
    base: str = ""
    parent: str = ""
    parent_run: str = ""
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)


def read_chain(path: Path) -> list[Stage]:
    """Read the stages; ToolError names the file, the line, the place and what is allowed there."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ToolError(f"{path} is larger than {LARGEST_FILE} bytes: that is no chain")
        return parse_chain(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ToolError(f"{path} cannot be read: {error}") from error


def parse_chain(text: str, source: str) -> list[Stage]:
    """As `read_chain`, from a text; `source` is how errors call it."""
    reader = _Reader(text, source)
    reader.check_names((), CHAIN_FIELDS)
    chain, base = reader.text(("chain",)), reader.text(("base",), default="")
    parent = reader.text(("parent",), default="")
    count = reader.count(("stages",))
    stages: list[Stage] = []
    for number in range(count):
        at: Place = ("stages", number)
        reader.check_names(at, STAGE_FIELDS)
        request: dict[str, Any] = {
            "stage": reader.text((*at, "stage")),
            "recipe": reader.text((*at, "recipe")),
            "dataset": reader.text((*at, "dataset")),
            "model": reader.text((*at, "model"), default=reader.text(("model",), default="")),
            "base": reader.text((*at, "base"), default=base),
            "parent": "" if stages else parent,
            "parent_run": stages[-1].run_id if stages else "",
            "hyperparameters": reader.mapping((*at, "hyperparameters")),
        }
        if not request["model"]:
            raise reader.error((*at, "model"), "is missing, and the chain has none for all its stages")
        if request["stage"] in [stage.stage for stage in stages]:
            raise reader.error((*at, "stage"), f"{request['stage']!r} is the name of a stage before it")
        stages.append(Stage(run_id=_run_id(chain, request), **request))
    return stages


def _run_id(chain: str, request: Mapping[str, Any]) -> str:
    return str(uuid.uuid5(NAMESPACE, json.dumps([chain, request], sort_keys=True, ensure_ascii=False)))


class _Reader:
    """A YAML document that knows on which line each of its values stands."""

    def __init__(self, text: str, source: str) -> None:
        self._source = source
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            self._lines = dict(_lines(node, ())) if node else {}
            # Plain values only: the safe loader makes no objects.
            self._body = loader.construct_document(node) if node else None
        except RecursionError as error:
            raise ToolError(f"{source}: an alias stands for what it is a part of") from error
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = f":{mark.line + 1}" if mark else ""
            raise ToolError(f"{source}{line}: this is no YAML: {getattr(error, 'problem', error)}") from error
        finally:
            loader.dispose()
        if not isinstance(self._body, dict):
            raise ToolError(f"{source}: a chain begins with names such as `chain: pump` and `stages:`")

    def error(self, at: Place, reason: str) -> ToolError:
        """An error at a place."""
        known = at
        while known and known not in self._lines:  # what is missing has the line of what lacks it
            known = known[:-1]
        return ToolError(f"{self._source}:{self._lines.get(known, 1)}: {_named(at)}: {reason}")

    def check_names(self, at: Place, allowed: tuple[str, ...]) -> None:
        """Refuse what is no mapping, and names that mean nothing there."""
        for name in self._mapping(at):
            if name not in allowed:
                raise self.error((*at, name), f"there is no such name here; there are: {', '.join(allowed)}")

    def text(self, at: Place, *, default: str | None = None) -> str:
        """A text that is not empty."""
        value = self._mapping(at[:-1]).get(at[-1], default)
        if value is None:
            raise self.error(at, "is missing")
        if not isinstance(value, str) or (not value and value != default):
            raise self.error(at, f"{value!r} is no text")
        return value

    def mapping(self, at: Place) -> dict[str, Any]:
        """JSON values by name; empty when it is absent."""
        is_there = self._mapping(at[:-1]).get(at[-1]) is not None
        found = {str(name): value for name, value in self._mapping(at).items()} if is_there else {}
        try:
            json.dumps(found, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise self.error(at, f"only JSON values are allowed: {error}") from error
        return found

    def count(self, at: Place) -> int:
        """The length of a list that has something in it."""
        value = self._value(at)
        if not isinstance(value, list) or not 0 < len(value) <= MOST_STAGES:
            raise self.error(at, f"a list of 1 to {MOST_STAGES} stages belongs here")
        return len(value)

    def _mapping(self, at: Place) -> dict[str | int, Any]:
        value = self._value(at)
        if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
            raise self.error(at, "names with values belong here, such as `recipe: series-lm`")
        return value

    def _value(self, at: Place) -> Any:
        value: Any = self._body
        for part in at:
            value = value.get(part) if isinstance(value, dict) else value[part]
        return value


def _lines(node: yaml.Node, at: Place) -> Iterator[tuple[Place, int]]:
    yield at, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue  # no name at all; the loader says so
            yield from _lines(value, (*at, key.value))
            yield (*at, key.value), key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _lines(value, (*at, number))


def _named(at: Place) -> str:
    """`stages[1].recipe`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in at).lstrip(".") or "the file"

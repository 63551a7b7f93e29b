"""The registry of tools in a profile, checked item by item."""

from __future__ import annotations

from typing import Any

from shared.errors import InvalidInputError
from shared.planning.profile import TOOLS_FILE, Tool

MAX_TOOLS = 10_000
MAX_NAME = 200
MAX_DESCRIPTION = 4000
KEYS = ("name", "description")


def tools_of(value: Any) -> tuple[Tool, ...]:
    """The tools in the JSON value of `tools.json`; InvalidInputError names the item that is wrong.

    Other keys than name and description are left out.
    """
    if not isinstance(value, list) or not value:
        raise _error("must be a list of at least one tool: " + '[{"name": ..., "description": ...}]')
    if len(value) > MAX_TOOLS:
        raise _error(f"has {len(value)} tools; at most {MAX_TOOLS} are read")
    tools = tuple(_tool(item, f"item {number}") for number, item in enumerate(value, start=1))
    for key in KEYS:
        _refuse_twice(tools, key)
    return tools


def _tool(item: Any, place: str) -> Tool:
    if not isinstance(item, dict):
        raise _error('is no tool: write {"name": ..., "description": ...}', place)
    name, description = (_text(item, key, place) for key in KEYS)
    if len(name) > MAX_NAME or not name.isprintable():
        raise _error(f"name: {name[:MAX_NAME]!r} is not one line of at most {MAX_NAME} characters", place)
    if len(description) > MAX_DESCRIPTION:
        raise _error(f"description: has {len(description)} characters; at most {MAX_DESCRIPTION} are read", place)
    return Tool(name=name, description=description)


def _text(item: dict[str, Any], key: str, place: str) -> str:
    text = item.get(key)
    if not isinstance(text, str) or not text.strip():
        raise _error(f"{key}: must be a text that is not empty, but is {repr(text)[:MAX_NAME]}", place)
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise _error(f"{key}: {text[:MAX_NAME]!r} holds half a character (a lone surrogate)", place)
    return text.strip()


def _refuse_twice(tools: tuple[Tool, ...], key: str) -> None:
    # Tasks name a tool by either, so either has to tell one tool from another.
    first: dict[str, int] = {}
    for number, tool in enumerate(tools, start=1):
        text = getattr(tool, key)
        if text in first:
            raise _error(
                f"{key}: {text[:MAX_NAME]!r} is that of item {first[text]} too; give each tool its own",
                f"item {number}",
            )
        first[text] = number


def _error(reason: str, place: str = "") -> InvalidInputError:
    where = f"{TOOLS_FILE} {place}" if place else TOOLS_FILE
    return InvalidInputError.of("file", f"{where}: {reason}")

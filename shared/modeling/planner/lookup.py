"""The profile in a bundle: which configuration an id stands for, and which ids are whose.

- config_lookup.json: `{"configurations": [{"config_id", "tool", "input_size", ...}, ...]}`, by config_id
- tool_mask_map.json: `{"tools": [{"tool_id", "name", "description", "config_ids"}, ...]}`, by tool_id
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from shared.contracts.canonical import canonical_json
from shared.errors import IntegrityError
from shared.modeling.bundle import read_json
from shared.planning.profile import NUMBERS, Profile, Tool

LOOKUP_FILE, MASK_FILE = "config_lookup.json", "tool_mask_map.json"


def write_lookup(folder: Path, profile: Profile) -> None:
    """Write both files into a bundle."""
    configurations = [
        {"config_id": i, "tool": profile.tools[tool_id].name, **profile.configuration(i)}
        for i, tool_id in enumerate(profile.tool_ids.tolist())
    ]
    tools = [
        {
            "tool_id": tool_id,
            "name": tool.name,
            "description": tool.description,
            "config_ids": np.flatnonzero(profile.tool_ids == tool_id).tolist(),
        }
        for tool_id, tool in enumerate(profile.tools)
    ]
    for name, body in ((LOOKUP_FILE, {"configurations": configurations}), (MASK_FILE, {"tools": tools})):
        (folder / name).write_bytes(canonical_json(body) + b"\n")
        (folder / name).chmod(0o644)


def read_lookup(folder: Path) -> Profile:
    """The profile that a bundle knows; IntegrityError when its files are absent, damaged or contradict each other."""
    configurations, tools = read_json(folder / LOOKUP_FILE), read_json(folder / MASK_FILE)
    try:
        rows = configurations["configurations"]
        named = tuple(Tool(name=str(one["name"]), description=str(one["description"])) for one in tools["tools"])
        tool_ids = np.full(len(rows), -1, dtype=np.int32)
        for tool_id, one in enumerate(tools["tools"]):
            tool_ids[one["config_ids"]] = tool_id
        numbers = np.array([[row[name] for name in NUMBERS] for row in rows], dtype=np.float64)
        whose = [named[tool_id].name for tool_id in tool_ids.tolist() if tool_id >= 0]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise IntegrityError(f"{LOOKUP_FILE} and {MASK_FILE} do not hold a profile: {error!r}") from error
    if not rows or whose != [row.get("tool") for row in rows]:
        raise IntegrityError(f"{LOOKUP_FILE} and {MASK_FILE} do not say the same of whose the configurations are")
    return Profile(tools=named, tool_ids=tool_ids, numbers=numbers)


def difference(known: Profile, other: Profile) -> str:
    """How another profile differs from the one that is known, in words; empty when it is the same."""
    names = [[tool.name for tool in profile.tools] for profile in (known, other)]
    if names[0] != names[1]:
        return f"it knows the tools {', '.join(names[0])}; here are {', '.join(names[1])}"
    if len(known.numbers) != len(other.numbers):
        return f"it knows {len(known.numbers)} configurations; here are {len(other.numbers)}"
    wrong = (known.tool_ids != other.tool_ids) | (known.numbers != other.numbers).any(axis=1)
    if wrong.any():
        first = int(np.argmax(wrong))
        return f"{int(wrong.sum())} configurations are others, the first with the config_id {first}"
    return ""

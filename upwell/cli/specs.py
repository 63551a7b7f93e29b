"""What a model is made for, as its bundle says: the window of a planner, the grid of a forecaster."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from upwell.cli.output import say, with_whole_numbers
from upwell.client import Upwell
from upwell.errors import ToolError
from upwell.registry.v1 import registry_service_pb2

BUNDLE_FILE = "bundle.json"
# Longer lists, such as the latitudes of a grid, are told by their ends.
LONGEST_LIST = 8


async def read_spec(upwell: Upwell, version: registry_service_pb2.ModelVersion) -> list[tuple[str, str]]:
    """Family and spec of a version, a fact a line; none where it has no bundle, or its bundle cannot be read."""
    if not version.bundle_digest or version.HasField("deletion"):
        return []
    reference = f"{version.ref.name}@{version.ref.version}"
    try:
        data = await upwell.artifacts.read_file(BUNDLE_FILE, model=reference)
    except ToolError as error:
        say(f"What the bundle says cannot be told: {error}")
        return []
    return spec_facts(json.loads(data)) if data else []


def spec_facts(bundle: dict[str, Any]) -> list[tuple[str, str]]:
    """Facts of a `bundle.json`."""
    return [("family", str(bundle.get("family", ""))), *_flat("spec ", bundle.get("spec", {}))]


def _flat(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in sorted(values.items()):
        if isinstance(value, dict):
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}", _told(value)


def _told(value: Any) -> str:
    if isinstance(value, str):
        return value if value.isprintable() else json.dumps(value, ensure_ascii=False)
    if isinstance(value, list) and len(value) > LONGEST_LIST:
        return f"{_told(value[0])} to {_told(value[-1])} ({len(value)})"
    if isinstance(value, list):
        return ", ".join(map(_told, value))
    return json.dumps(with_whole_numbers(value), ensure_ascii=False)

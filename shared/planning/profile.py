"""The layout of `profile/v1`: tools, and what each of their configurations needs and how fast it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from shared.contracts.canonical import canonical_json
from shared.errors import IntegrityError
from shared.planning.values import RESOURCES

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

TOOLS_FILE = "tools.json"
TABLE_FILE = "profile.parquet"
INPUT_SIZE, LATENCY = "input_size", "latency_ms"
# A configuration's numbers in the order of the table's columns.
NUMBERS = (INPUT_SIZE, *RESOURCES, LATENCY)
# No size, resource or time lies beyond these; within them float32 holds amounts, and what they add up to.
LEAST, MOST = 1e-9, 1e12


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool of the registry: its name, and what it does in words."""

    name: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profile:
    """A table of configurations; the row is the config_id, the place among the tools is the tool_id.

    Args:
        tools: those of the registry, each with at least one configuration.
        tool_ids: int32 [configurations]: whose configuration it is.
        numbers: float64 [configurations, 6], in the order of `NUMBERS`: input size in the tool's own unit, cores, GiB,
            streaming multiprocessors, GiB, milliseconds.
    """

    tools: tuple[Tool, ...]
    tool_ids: Ints
    numbers: Floats

    @property
    def input_sizes(self) -> Floats:
        """float64 [configurations]."""
        return self.numbers[:, 0]

    @property
    def needs(self) -> Floats:
        """float64 [configurations, 4], in the order of `RESOURCES`."""
        return self.numbers[:, 1:-1]

    @property
    def latency_ms(self) -> Floats:
        """float64 [configurations]."""
        return self.numbers[:, -1]

    def configuration(self, config_id: int) -> dict[str, float]:
        """The numbers of a configuration by name."""
        return dict(zip(NUMBERS, self.numbers[config_id].tolist(), strict=True))


def write_profile(profile: Profile, folder: Path) -> Mapping[str, Path]:
    """Write the version's two files; equal profiles give equal bytes."""
    files = {name: folder / name for name in (TOOLS_FILE, TABLE_FILE)}
    tools = [{"name": tool.name, "description": tool.description} for tool in profile.tools]
    files[TOOLS_FILE].write_bytes(canonical_json(tools))
    names = [profile.tools[tool_id].name for tool_id in profile.tool_ids]
    columns = {name: profile.numbers[:, i] for i, name in enumerate(NUMBERS)}
    table = pa.table({"tool": pa.array(names, pa.string()), **columns})
    pq.write_table(table, files[TABLE_FILE], version="2.6", compression="zstd", store_schema=False)
    return files


def read_profile(folder: Path) -> Profile:
    """The profile in a folder with the files of a version, of either `profile/v1` or `plans/v1`.

    Raises:
        IntegrityError: the files are not what their kind says.
    """
    try:
        tools = tuple(
            Tool(name=one["name"], description=one["description"])
            for one in json.loads((folder / TOOLS_FILE).read_bytes())
        )
        table = pq.read_table(folder / TABLE_FILE, columns=["tool", *NUMBERS])
        return _profile(tools, table)
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise IntegrityError(f"{TOOLS_FILE} and {TABLE_FILE} do not hold a profile: {error!r}") from error


def _profile(tools: tuple[Tool, ...], table: Any) -> Profile:
    ids = {tool.name: tool_id for tool_id, tool in enumerate(tools)}
    return Profile(
        tools=tools,
        tool_ids=np.array([ids[name] for name in table.column("tool").to_pylist()], dtype=np.int32),
        numbers=np.column_stack([table.column(name).to_numpy().astype(np.float64) for name in NUMBERS]),
    )

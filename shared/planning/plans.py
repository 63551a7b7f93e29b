"""The layout of `plans/v1`: tasks and states with the oracle's plan for each, and the profile they are about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from shared.planning.values import RESOURCES

PLANS_FILE = "plans.parquet"
TRAIN, TEST = "train", "test"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """A row: what is asked, the state it is asked in, and what is best then.

    Args:
        id: unlike that of any other row.
        split: `train`, or `test`: in words and in states that training does not see.
        task: what is to be done, in words.
        tool_id: the tool that does it.
        config_id: its best configuration; -1 where none fits.
        latency_ms: of that configuration; NaN where none fits.
        used: float32 [window, 4], oldest first, as `PlanInput.used`.
        input_size: of the task.
    """

    id: str
    split: str
    task: str
    tool_id: int
    config_id: int
    latency_ms: float
    used: NDArray[np.float32]
    input_size: float


def plans_schema(window: int) -> Any:
    """The Arrow schema; `used` is a window flattened row by row."""
    return pa.schema(
        {
            "id": pa.string(),
            "split": pa.string(),
            "task": pa.string(),
            "tool_id": pa.int32(),
            "config_id": pa.int32(),
            "latency_ms": pa.float64(),
            "used": pa.list_(pa.float32(), window * len(RESOURCES)),
            "input_size": pa.float64(),
        }
    )


class PlanWriter:
    """Writes plans, some at a time."""

    def __init__(self, file: Any, schema: Any) -> None:
        self._file = file
        self._schema = schema

    def write(self, plans: Sequence[Plan]) -> None:
        """Write a group of rows."""
        self._file.write_table(pa.Table.from_pylist([_row(plan) for plan in plans], schema=self._schema))


@contextmanager
def plan_writer(path: Path, window: int) -> Iterator[PlanWriter]:
    """Writes `plans.parquet` at `path`: equal plans in equal groups give equal bytes."""
    schema = plans_schema(window)
    with pq.ParquetWriter(path, schema, version="2.6", compression="zstd", store_schema=False) as file:
        yield PlanWriter(file, schema)


def _row(plan: Plan) -> Mapping[str, Any]:
    return {
        "id": plan.id,
        "split": plan.split,
        "task": plan.task,
        "tool_id": plan.tool_id,
        "config_id": plan.config_id,
        "latency_ms": plan.latency_ms,
        "used": plan.used.ravel(),
        "input_size": plan.input_size,
    }

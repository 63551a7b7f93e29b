"""Small profiles."""

from __future__ import annotations

import numpy as np

from shared.planning.profile import Profile, Tool


def profile_of(rows: list[tuple[int, list[float]]], tools: int = 2) -> Profile:
    """A profile of rows (tool_id, [input size, cores, memory, SMs, GPU memory, latency])."""
    return Profile(
        tools=tuple(Tool(name=f"工具-{i}", description=f"Does job {i}.") for i in range(tools)),
        tool_ids=np.array([tool_id for tool_id, _ in rows], dtype=np.int32),
        numbers=np.array([numbers for _, numbers in rows], dtype=np.float64),
    )

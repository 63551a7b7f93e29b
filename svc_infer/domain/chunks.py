"""Long series in bounded chunks whose answers fit together.

A chunk is the rows it answers for (its core) with a margin on both sides. Cores begin on the model's own grid of
windows and margins are at least a window wide, so that every core row is seen by the same windows as in one go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from svc_infer.domain.series import Floats, Times

# Margins are computed and thrown away; a core of so many windows keeps that below half of the work.
LEAST_CORE_WINDOWS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far a model looks: rows of a window, and rows between the starts of two windows."""

    window: int
    stride: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Some rows of a series: `times` [rows], `values` [rows, channels], NaN where missing."""

    channels: tuple[str, ...]
    times: Times
    values: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chunk:
    """Rows from `start_row` on, of which [core_start, core_end) are answered for. Rows count in the whole series."""

    start_row: int
    core_start: int
    core_end: int
    rows: Rows


def chunks(blocks: Iterable[Rows], reach: Reach, *, values: int) -> Iterator[Chunk]:
    """Cut rows that arrive in blocks into chunks whose cores cover every row once.

    Args:
        blocks: in order, of any length.
        reach: of the model that is asked.
        values: about how many values (rows x channels) a core holds.
    """
    margin = -(-reach.window // reach.stride) * reach.stride
    incoming = iter(blocks)
    held: list[Rows] = []
    start_row = core_start = end_row = core_rows = 0
    at_end = False
    while True:
        # A rest that is not longer than a margin joins the last core.
        while not at_end and end_row <= core_start + core_rows + margin:
            block = next(incoming, None)
            at_end = block is None
            if block is not None and len(block.times):
                held.append(block)
                end_row += len(block.times)
                core_rows = core_rows or _core_rows(reach, values // block.values.shape[1])
        if core_start == end_row:
            return
        is_last = at_end and end_row <= core_start + core_rows + margin
        core_end = end_row if is_last else core_start + core_rows
        rows = _joined(held)
        here = rows if is_last else _between(rows, 0, core_end + margin - start_row)
        yield Chunk(start_row=start_row, core_start=core_start, core_end=core_end, rows=here)
        if is_last:
            return
        next_start = core_end - margin
        held = [_between(rows, next_start - start_row, len(rows.times))]
        start_row, core_start = next_start, core_end


def _core_rows(reach: Reach, wanted: int) -> int:
    rows = max(wanted, LEAST_CORE_WINDOWS * reach.window)
    return -(-rows // reach.stride) * reach.stride


def _joined(blocks: list[Rows]) -> Rows:
    if len(blocks) == 1:
        return blocks[0]
    return Rows(
        channels=blocks[0].channels,
        times=np.concatenate([block.times for block in blocks]),
        values=np.concatenate([block.values for block in blocks]),
    )


def _between(rows: Rows, start: int, end: int) -> Rows:
    return Rows(channels=rows.channels, times=rows.times[start:end], values=rows.values[start:end])

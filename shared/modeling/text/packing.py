"""Conversations to batches: one a row, or several behind one another in a row without seeing each other.

Shape suffixes: B = rows in the batch, T = tokens in a row.
"""

# ruff: noqa: N806, N815 - names end in their shape, in capitals

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from shared.modeling.text.template import Encoded

# Target of a token that is not taught; what torch's cross-entropy ignores by itself.
IGNORED = -100
Pack = tuple[Encoded, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRows:
    """Rows of tokens.

    Args:
        ids_BT: int64; 0 behind the end of a row.
        targets_BT: int64, the token that has to come next, or `IGNORED`.
        places_BT: int64, places of the tokens in their own conversations; None where each row holds one.
        visible_B1TT: bool, which tokens a token sees; None where each row holds one: what lies behind a token is never
            seen, the empty end of a row included.
    """

    ids_BT: Tensor
    targets_BT: Tensor
    places_BT: Tensor | None
    visible_B1TT: Tensor | None

    @property
    def taught(self) -> int:
        """Tokens the model has to say itself."""
        return int((self.targets_BT != IGNORED).sum())


def pack(lengths: Sequence[int], length: int) -> list[list[int]]:
    """Which conversations share a row: best fit by falling length, so that few rows stay half empty.

    Args:
        lengths: tokens of each conversation, none longer than `length`.
        length: tokens of a row.
    """
    rows: list[list[int]] = []
    # Rows by the room left in them, so that a fitting one is found without looking at all.
    by_room: dict[int, list[int]] = {}
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        size = lengths[index]
        room = min((free for free in by_room if free >= size), default=None)
        if room is None:
            rows.append([])
            row, room = len(rows) - 1, length
        else:
            row = by_room[room].pop()
            if not by_room[room]:
                del by_room[room]
        rows[row].append(index)
        by_room.setdefault(room - size, []).append(row)
    return rows


def make_rows(packs: Sequence[Pack]) -> TextRows:
    """A batch on the CPU; each pack is a row."""
    longest = max(sum(len(one) for one in row) for row in packs)
    ids_BT = np.zeros((len(packs), longest), dtype=np.int64)
    targets_BT = np.full((len(packs), longest), IGNORED, dtype=np.int64)
    places_BT = np.zeros((len(packs), longest), dtype=np.int64)
    # The empty end of a row is a conversation of its own: every token sees at least itself.
    owner_BT = np.full((len(packs), longest), -1, dtype=np.int64)
    for row, held in enumerate(packs):
        start = 0
        for number, one in enumerate(held):
            end = start + len(one)
            ids_BT[row, start:end] = one.ids
            targets_BT[row, start : end - 1] = np.where(one.taught[1:], one.ids[1:], IGNORED)
            places_BT[row, start:end] = np.arange(len(one))
            owner_BT[row, start:end] = number
            start = end
    if all(len(held) == 1 for held in packs):
        return TextRows(
            ids_BT=torch.from_numpy(ids_BT), targets_BT=torch.from_numpy(targets_BT), places_BT=None, visible_B1TT=None
        )
    same_BTT = torch.from_numpy(owner_BT[:, :, None] == owner_BT[:, None, :])
    return TextRows(
        ids_BT=torch.from_numpy(ids_BT),
        targets_BT=torch.from_numpy(targets_BT),
        places_BT=torch.from_numpy(places_BT),
        visible_B1TT=same_BTT.tril()[:, None],
    )

"""What the ledger tells: where an alias stood at a moment, and where a rollback leads."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar


class MoveKind(StrEnum):
    """What an entry of the ledger records; `refused` alone left the alias where it was."""

    MOVED = "moved"
    REFUSED = "refused"
    FORCED = "forced"
    ROLLED_BACK = "rolled_back"
    CLEARED = "cleared"


class Entry(Protocol):
    """The part of a ledger entry that its history turns on; versions are 0 for none."""

    @property
    def kind(self) -> MoveKind:
        """What happened."""

    @property
    def to_version(self) -> int:
        """The version it speaks of."""

    @property
    def moved_at(self) -> datetime:
        """When."""


EntryT = TypeVar("EntryT", bound=Entry)


def standing_after(entries: Sequence[EntryT]) -> EntryT | None:
    """The entry that put an alias where it stands after its entries, oldest first; None while nothing has."""
    return next((entry for entry in reversed(entries) if entry.kind is not MoveKind.REFUSED), None)


def standing_at(entries: Sequence[EntryT], moment: datetime) -> EntryT | None:
    """The entry that put an alias where it stood at a moment; the moment of a move belongs to the move."""
    return standing_after([entry for entry in entries if entry.moved_at <= moment])


def rollback_target(entries: Sequence[Entry], *, unusable: Collection[int]) -> int:
    """The version that a rollback leads to; 0 when there is nothing before.

    Rolling back is undoing: moves are a stack, and a rollback takes the last one off, so that repeated rollbacks walk
    back to older versions and never to one that was just left. What a rollback left is forgotten; a new move goes on
    top of what stands then.

    Args:
        entries: an alias's entries, oldest first.
        unusable: versions that are deleted: they are passed over.
    """
    moves = _moves_still_made(entries)
    if not moves:
        return 0
    standing = moves[-1]
    return next((version for version in reversed(moves) if version not in {0, standing, *unusable}), 0)


def _moves_still_made(entries: Sequence[Entry]) -> list[int]:
    moves: list[int] = []
    for entry in entries:
        match entry.kind:
            case MoveKind.MOVED | MoveKind.FORCED | MoveKind.CLEARED:
                moves.append(entry.to_version)
            case MoveKind.ROLLED_BACK:
                moves.pop()
                while moves and moves[-1] != entry.to_version:
                    moves.pop()
            case MoveKind.REFUSED:
                pass
    return moves

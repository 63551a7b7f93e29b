"""Where an alias stood, and where rollbacks lead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svc_registry.domain.ledger import MoveKind, rollback_target, standing_after, standing_at

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MOVED, REFUSED, FORCED = MoveKind.MOVED, MoveKind.REFUSED, MoveKind.FORCED
BACK, CLEARED = MoveKind.ROLLED_BACK, MoveKind.CLEARED


@dataclass(frozen=True)
class Entry:
    kind: MoveKind
    to_version: int
    moved_at: datetime = BEGIN


def history(*steps: tuple[MoveKind, int]) -> list[Entry]:
    """Entries an hour apart."""
    return [Entry(kind, version, BEGIN + timedelta(hours=hour)) for hour, (kind, version) in enumerate(steps)]


def moves(*versions: int) -> list[Entry]:
    return history(*((MOVED, version) for version in versions))


@pytest.mark.parametrize(
    ("entries", "target"),
    [
        ([], 0),
        (moves(1), 0),
        (moves(1, 2), 1),
        (moves(1, 2, 3), 2),
        (history((MOVED, 1), (MOVED, 2), (MOVED, 3), (BACK, 2)), 1),
        (history((MOVED, 1), (MOVED, 2), (MOVED, 3), (BACK, 2), (BACK, 1)), 0),
        (history((MOVED, 1), (MOVED, 2), (BACK, 1), (MOVED, 3)), 1),
        (history((MOVED, 1), (REFUSED, 2)), 0),
        (history((MOVED, 1), (FORCED, 2), (REFUSED, 3)), 1),
        (history((MOVED, 1), (MOVED, 2), (CLEARED, 0)), 2),
        (history((MOVED, 1), (CLEARED, 0), (MOVED, 2)), 1),
        (history((MOVED, 1), (MOVED, 2), (CLEARED, 0), (BACK, 2)), 1),
    ],
)
def test_a_rollback_undoes_the_last_move_that_stands(entries: list[Entry], target: int) -> None:
    assert rollback_target(entries, unusable=()) == target


def test_a_rollback_passes_over_what_is_deleted() -> None:
    assert rollback_target(moves(1, 2, 3), unusable={2}) == 1
    assert rollback_target(moves(1, 2, 1), unusable={2}) == 0, "where it stands is no way back"
    after = [*moves(1, 2, 3), Entry(BACK, 1)]
    assert rollback_target(after, unusable={2}) == 0


@given(st.lists(st.integers(1, 5), min_size=1, max_size=12))
def test_rollbacks_walk_back_through_every_move_once(versions: list[int]) -> None:
    made = [version for place, version in enumerate(versions) if place == 0 or versions[place - 1] != version]
    entries, walked = moves(*made), []
    while target := rollback_target(entries, unusable=()):
        entries.append(Entry(BACK, target))
        walked.append(target)
    assert walked == made[-2::-1]


def test_what_stood_when() -> None:
    entries = history((MOVED, 1), (REFUSED, 2), (FORCED, 3), (CLEARED, 0), (MOVED, 4))

    def at(hours: float) -> int | None:
        entry = standing_at(entries, BEGIN + timedelta(hours=hours))
        return entry.to_version if entry else None

    assert [at(hours) for hours in (-0.1, 0, 1.5, 1.9, 2, 3, 9)] == [None, 1, 1, 1, 3, 0, 4]
    assert standing_after(entries) is entries[-1]
    assert standing_after(history((REFUSED, 1))) is None

"""Questions about runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.contracts.work import Work, WorkState
from svc_train.domain.request import RunRequest
from svc_train.domain.run import JournalEntry, Run, RunNotes
from svc_train.ports import TrainStore, TrainTransaction

ENTRIES_A_LOOK = 500
# Nobody counts further; a run behind has no position to show.
LONGEST_LINE = 10_000


def get_run(store: TrainStore, run_id: str) -> Run:
    """One run; NotFoundError when there is none."""
    with store.reading() as tx:
        return _runs(tx, [tx.work.get(run_id)])[0]


def list_runs(store: TrainStore, *, model: str, state: WorkState | None, limit: int) -> list[Run]:
    """Runs, newest first; an empty model and None do not narrow."""
    with store.reading() as tx:
        if model:
            found: Sequence[Work] = [
                tx.work.get(run_id) for run_id in tx.runs.ids(model=model, state=state, limit=limit)
            ]
        else:
            found = tx.work.list(limit=limit, state=state)
        return _runs(tx, found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a watcher sees at one moment: the run, and what happened since its last look."""

    run: Run
    entries: Sequence[tuple[int, JournalEntry]]

    @property
    def is_caught_up(self) -> bool:
        """All that has happened until now is seen."""
        return len(self.entries) < ENTRIES_A_LOOK

    @property
    def is_last(self) -> bool:
        """Nothing more will happen, and nothing is left to be seen."""
        return self.run.work.state.is_final and self.is_caught_up


def look(store: TrainStore, run_id: str, *, after: int, logs_only: bool = False) -> Look:
    """Look at a run; `after` is the id of the last entry seen, 0 at first. NotFoundError when there is no such run."""
    with store.reading() as tx:
        work = tx.work.get(run_id)
        entries = tx.journal.after(run_id, after, limit=ENTRIES_A_LOOK, logs_only=logs_only)
        return Look(run=_runs(tx, [work])[0], entries=entries)


def _runs(tx: TrainTransaction, works: Sequence[Work]) -> list[Run]:
    ids = [work.id for work in works]
    latest, notes, checkpoints = tx.journal.latest(ids), tx.runs.notes(ids), tx.checkpoints.furthest(ids)
    is_any_queued = any(work.state is WorkState.QUEUED for work in works)
    line = tx.work.line(limit=LONGEST_LINE) if is_any_queued else ()
    positions = {run_id: position for position, run_id in enumerate(line, 1)}
    return [
        Run(
            work=work,
            request=RunRequest.from_json(work.request),
            progress=latest.get(work.id),
            checkpoint=checkpoints.get(work.id),
            queue_position=positions.get(work.id, 0),
            notes=notes.get(work.id, RunNotes()),
        )
        for work in works
    ]

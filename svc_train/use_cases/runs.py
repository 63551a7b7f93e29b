"""Questions about runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.contracts.work import Work, WorkState
from svc_train.domain.request import RunRequest
from svc_train.domain.run import JournalEntry, Run, RunProgress
from svc_train.ports import TrainStore

ENTRIES_A_LOOK = 500


def get_run(store: TrainStore, run_id: str) -> Run:
    """One run; NotFoundError when there is none."""
    with store.reading() as tx:
        work = tx.work.get(run_id)
        return _run(work, tx.journal.latest([run_id]).get(run_id))


def list_runs(store: TrainStore, *, model: str, state: WorkState | None, limit: int) -> list[Run]:
    """Runs, newest first; an empty model and None do not narrow."""
    with store.reading() as tx:
        if model:
            found: Sequence[Work] = [
                tx.work.get(run_id) for run_id in tx.runs.ids(model=model, state=state, limit=limit)
            ]
        else:
            found = tx.work.list(limit=limit, state=state)
        latest = tx.journal.latest([work.id for work in found])
        return [_run(work, latest.get(work.id)) for work in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a watcher sees at one moment: the run, and what happened since its last look."""

    run: Run
    entries: Sequence[tuple[int, JournalEntry]]

    @property
    def is_last(self) -> bool:
        """Nothing more will happen, and nothing is left to be seen."""
        return self.run.work.state.is_final and len(self.entries) < ENTRIES_A_LOOK


def look(store: TrainStore, run_id: str, *, after: int) -> Look:
    """Look at a run; `after` is the id of the last entry seen, 0 at first. NotFoundError when there is no such run."""
    with store.reading() as tx:
        work = tx.work.get(run_id)
        entries = tx.journal.after(run_id, after, limit=ENTRIES_A_LOOK)
        return Look(run=_run(work, tx.journal.latest([run_id]).get(run_id)), entries=entries)


def _run(work: Work, progress: RunProgress | None) -> Run:
    return Run(work=work, request=RunRequest.from_json(work.request), progress=progress)

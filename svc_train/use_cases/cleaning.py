"""Remove what attempts left behind: folders here, and checkpoints in the object store."""

from __future__ import annotations

import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.contracts.work import Work, WorkState
from shared.errors import NotFoundError
from svc_train.ports import CheckpointFiles, TrainStore, TrainTransaction
from svc_train.use_cases.checkpoints import remove_files

# A cancelled attempt may still be bringing its last checkpoint home.
SETTLED_AFTER = timedelta(minutes=10)


def remove_stale_folders(store: TrainStore, runs_folder: Path) -> None:
    """Remove every `<run>/<attempt>` whose attempt neither holds the run's lease nor brings its last checkpoint home.

    Several replicas on one host share the folder, so that only the tables can say what is stale.
    """
    attempts = [path for path in runs_folder.glob("*/*") if path.is_dir()]
    with store.reading() as tx:
        stale = [path for path in attempts if not _is_at_work(tx, path.parent.name, path.name)]
    for path in stale:
        shutil.rmtree(path, ignore_errors=True)
    for path in {path.parent for path in stale}:
        with suppress(OSError):  # a newer attempt has its folder there, or has taken this one away
            path.rmdir()


def remove_stale_checkpoints(store: TrainStore, files: CheckpointFiles, *, keep_days: float) -> None:
    """Remove checkpoints of runs that completed, or ended in another way so long ago; and what no table names.

    Raises:
        UnavailableError: the object store or the database is down.
    """
    until = datetime.now(UTC) - timedelta(days=keep_days)
    with store.reading() as tx:
        run_ids = tx.checkpoints.run_ids()
    for run_id in run_ids:
        _forget_ended(store, files, run_id, until)
    for run_id, attempt, step in list(files.stored()):
        # Read after the listing: what is entered later than this was not in it, or is named by now.
        with store.reading() as tx:
            is_orphan = _is_orphan(tx, run_id, attempt, step)
        if is_orphan:
            files.remove(run_id, attempt, step)


def _forget_ended(store: TrainStore, files: CheckpointFiles, run_id: str, until: datetime) -> None:
    with store.transaction() as tx:
        work = tx.work.get(run_id)
        ended_before = datetime.now(UTC) if work.state is WorkState.COMPLETED else until
        if not work.state.is_final or work.finished_at is None or work.finished_at > ended_before:
            return
        forgotten = tx.checkpoints.of(run_id)
        tx.checkpoints.remove(forgotten)
    remove_files(files, forgotten)


def _is_orphan(tx: TrainTransaction, run_id: str, attempt: int, step: int) -> bool:
    """Whether nobody can ever want it: no table names it, and its attempt can no longer enter it."""
    try:
        work = tx.work.get(run_id)
    except NotFoundError:
        return False  # somebody else's
    is_named = any((one.attempt, one.step) == (attempt, step) for one in tx.checkpoints.of(run_id))
    return not is_named and (attempt < work.attempt or _is_settled(work))


def _is_settled(work: Work) -> bool:
    return work.finished_at is not None and work.finished_at < datetime.now(UTC) - SETTLED_AFTER


def _is_at_work(tx: TrainTransaction, run_id: str, attempt: str) -> bool:
    try:
        work = tx.work.get(run_id)
    except NotFoundError:
        return False
    is_ending = work.state is WorkState.CANCELLED and not _is_settled(work)
    return str(work.attempt) == attempt and (work.state is WorkState.RUNNING or is_ending)

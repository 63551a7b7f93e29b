"""Remove the folders of attempts that no longer run here."""

from __future__ import annotations

import shutil
from pathlib import Path

from shared.contracts.work import WorkState
from shared.errors import NotFoundError
from svc_train.ports import TrainStore, TrainTransaction


def remove_stale_folders(store: TrainStore, runs_folder: Path) -> None:
    """Remove every `<run>/<attempt>` whose attempt is not the one that holds the run's lease.

    Several replicas on one host share the folder, so that only the tables can say what is stale.
    """
    attempts = [path for path in runs_folder.glob("*/*") if path.is_dir()]
    with store.reading() as tx:
        stale = [path for path in attempts if not _runs(tx, path.parent.name, path.name)]
    for path in stale:
        shutil.rmtree(path, ignore_errors=True)
    for path in {path.parent for path in stale}:
        if not any(path.iterdir()):
            path.rmdir()


def _runs(tx: TrainTransaction, run_id: str, attempt: str) -> bool:
    try:
        work = tx.work.get(run_id)
    except NotFoundError:
        return False
    return work.state is WorkState.RUNNING and str(work.attempt) == attempt

"""Checkpoints of an attempt: brought to the object store beside the training, found again by the next attempt."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from shared.contracts.work import Work, WorkState
from shared.errors import IntegrityError, StateError, UnavailableError
from svc_train.domain.checkpoints import Keep, ReportedCheckpoint, SavedCheckpoint
from svc_train.domain.failures import StoppedAttemptError
from svc_train.ports import CheckpointFiles, Lease, TrainStore

log = logging.getLogger(__name__)
RETRY_S = 1.0
# A run that is cancelled, or whose service stops, has no more time than this to bring its last checkpoint home.
LAST_UPLOAD_S = 4.0
STEP = "step-"


def find_checkpoint(
    store: TrainStore, files: CheckpointFiles, work: Work, folder: Path, lease: Lease
) -> SavedCheckpoint | None:
    """Download the furthest checkpoint that is whole into the folder; None when there is none. Damaged ones go.

    Raises:
        UnavailableError: the object store is down; nothing is given up for that.
        StateError: the lease is lost.
    """
    with store.reading() as tx:
        found = tx.checkpoints.of(work.id)
    for checkpoint in found:
        if lease.must_stop:
            raise StoppedAttemptError
        try:
            files.fetch(checkpoint, folder)
        except IntegrityError as error:
            log.warning("run %s: the checkpoint of step %d is given up: %s", work.id, checkpoint.step, error)
            with store.transaction() as tx:
                tx.work.hold(work.id, work.attempt)
                tx.checkpoints.remove([checkpoint])
            remove_files(files, [checkpoint])
            continue
        log.info("run %s, attempt %d goes on after step %d", work.id, work.attempt, checkpoint.step)
        return checkpoint
    return None


def remove_files(files: CheckpointFiles, checkpoints: Iterable[SavedCheckpoint]) -> None:
    """Remove what no table names any more; what cannot be removed now is left to the cleaning."""
    try:
        for one in checkpoints:
            files.remove(one.run_id, one.attempt, one.step)
    except UnavailableError as error:
        log.warning("checkpoints stay until the next cleaning: %s", error)


@dataclass(slots=True, kw_only=True)
class CheckpointTrail:
    """Brings one attempt's checkpoints to the object store, in a thread of its own: training goes on meanwhile.

    While one is under way only the newest waits; the ones between are dropped, also from the disk. Use as a context
    around the training: when that ends in an error, the last checkpoint is still brought home.

    Args:
        store: the service's tables.
        files: where the files go.
        work: the run, as this attempt claimed it.
        folder: where the process leaves checkpoints, each a folder `step-<n>`.
        keep: how many are kept.
    """

    store: TrainStore
    files: CheckpointFiles
    work: Work
    folder: Path
    keep: Keep
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _waiting: ReportedCheckpoint | None = None
    _is_closing: bool = False
    _is_given_up: bool = False
    _saved_step: int = -1
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, name=f"checkpoints {self.work.id}", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._offer_newest_left()
        with self._changed:
            self._is_closing, self._is_given_up = True, error is None
            if error is None:
                self._waiting = None
            self._changed.notify()
        if error is not None and self._thread is not None:
            self._thread.join(LAST_UPLOAD_S)
            with self._changed:
                self._is_given_up = True
                self._changed.notify()

    def offer(self, reported: ReportedCheckpoint) -> None:
        """Take a checkpoint that the process has just left."""
        with self._changed:
            passed, self._waiting = self._waiting, reported
            self._changed.notify()
        if passed is not None and passed.step != reported.step:
            self._drop(passed.step)

    def _offer_newest_left(self) -> None:
        """A process that was stopped may have left one without a word."""
        newest = max(self._left(), default=-1)
        with self._changed:
            if newest > max(self._saved_step, self._waiting.step if self._waiting else -1):
                self._waiting = ReportedCheckpoint(step=newest)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting is not None or self._is_closing)
                if self._waiting is None:
                    return
                reported, self._waiting = self._waiting, None
            try:
                self._bring(reported)
            except StateError:
                log.info("run %s, attempt %d: no more checkpoints, another has the run", *self._names)
                return
            # Training goes on without this checkpoint; the next one may fare better.
            except Exception:
                log.exception("run %s, attempt %d: a checkpoint is lost", *self._names)
            finally:
                self._drop(reported.step)

    def _bring(self, reported: ReportedCheckpoint) -> None:
        """Try until it is saved, a newer one waits, or the time is over."""
        while reported.step > self._saved_step and reported.step in self._left():
            try:
                self._save(reported)
            except UnavailableError as error:
                log.warning("the checkpoint of step %d of run %s waits: %s", reported.step, self.work.id, error)
                with self._changed:
                    self._changed.wait_for(lambda: self._waiting is not None or self._is_given_up, RETRY_S)
                    if self._waiting is not None or self._is_given_up:
                        return

    def _save(self, reported: ReportedCheckpoint) -> None:
        digest, size = self.files.save(self.work.id, self.work.attempt, reported.step, self._left()[reported.step])
        saved = SavedCheckpoint(
            run_id=self.work.id,
            attempt=self.work.attempt,
            step=reported.step,
            digest=digest,
            size_bytes=size,
            saved_at=datetime.now(UTC),
            monitor=reported.monitor,
        )
        try:
            superfluous = self._enter(saved)
        except StateError:
            # Nobody will ever look for what a newer attempt, or the end of the run, has overtaken.
            remove_files(self.files, [saved])
            raise
        self._saved_step = reported.step
        remove_files(self.files, superfluous)

    def _enter(self, saved: SavedCheckpoint) -> tuple[SavedCheckpoint, ...]:
        with self.store.transaction() as tx:
            tx.work.hold(self.work.id, self.work.attempt)
            before = tx.checkpoints.of(self.work.id)
            tx.checkpoints.add(saved)
            superfluous = self.keep.superfluous([saved, *before])
            tx.checkpoints.remove(superfluous)
            is_further = saved.step > max((one.step for one in before), default=0)
            current = tx.work.get(self.work.id)
            if is_further and current.spent and current.state is WorkState.RUNNING:
                tx.work.forgive(self.work.id, self.work.attempt)
        return superfluous

    def _left(self) -> dict[int, Path]:
        """What the process has left and nobody has dropped: step -> folder."""
        found = {path.name.removeprefix(STEP): path for path in self.folder.glob(f"{STEP}*")}
        return {int(number): path for number, path in found.items() if number.isdecimal()}

    def _drop(self, step: int) -> None:
        if folder := self._left().get(step):
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def _names(self) -> tuple[str, int]:
        return self.work.id, self.work.attempt

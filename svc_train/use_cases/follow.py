"""Follow a training process: keep what it says, stop it when the attempt has to end, and judge its end."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from shared.contracts.work import Work
from shared.errors import StateError, UnavailableError
from svc_train.domain.checkpoints import ReportedCheckpoint
from svc_train.domain.child import Report, ReportedEnd, ReportedFailure, read_report
from svc_train.domain.diagnosis import Diagnosis, Then, words_of
from svc_train.domain.failures import (
    FailedAttemptError,
    FailedRunError,
    RunTooLongError,
    StalledError,
    StoppedAttemptError,
    crash,
    failed,
    overdue,
)
from svc_train.domain.run import JournalEntry, Progress, RunProgress, StepNumbers
from svc_train.ports import Child, Lease, Line, ProgressFeed, TrainStore
from svc_train.use_cases.limits import NO_LIMITS, Limits, Watch

log = logging.getLogger(__name__)
WINDOW_S = 0.25
# Lines among which the evidence of a failure is looked for: a chain of tracebacks is long.
TAIL_LINES = 400
LONGEST_LINE = 2000
# Of a chatty attempt at least so many log lines are kept, and at most twice as many.
LOG_LINES_KEPT = 2000
LARGEST_STEP = 2**63
# Steps whose numbers wait while the database is down.
STEPS_KEPT = 100_000


@dataclass(slots=True, kw_only=True)
class AttemptJournal:
    """Writes what one attempt does: into the tables for replay, and onto the feed for whoever listens now.

    Args:
        store: the service's tables.
        feed: live progress.
        work: the run, as this attempt claimed it.
        lease_s: each write also renews the lease, so a lost one is noticed at the next write.
        furthest: the step that earlier attempts reached; what was spent on them is forgiven beyond it.
    """

    store: TrainStore
    feed: ProgressFeed
    work: Work
    lease_s: float
    furthest: int = 0
    log_tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))
    _waiting: list[JournalEntry] = field(default_factory=list)
    _steps: list[StepNumbers] = field(default_factory=list)
    _log_lines: int = 0
    _step: int = -1
    _accounted_at: float = field(default_factory=time.monotonic)

    def write(self, happened: Sequence[Progress | str], *, is_last: bool = False) -> bool:
        """Write what happened; it waits for the next write while the database is down. Whether any of it is new.

        Args:
            happened: in order.
            is_last: the process has ended; a run that was cancelled meanwhile is still this attempt's to write down.

        Raises:
            StateError: the lease is lost.
        """
        news = False
        for one in happened:
            if isinstance(one, str):
                self.log_tail.append(one)
            elif self._is_told(one):
                continue
            else:
                self._steps += one.steps
            news = True
            self._waiting.append(JournalEntry(attempt=self.work.attempt, happened=one))
        self._publish_newest(happened)
        if not self._waiting and not is_last:  # the last write also counts the time it took to end
            return news
        try:
            self.flush(is_last=is_last)
        except UnavailableError as error:
            # Training goes on without its database; only the oldest of a long silence is given up.
            log.warning("the journal of run %s waits: %s", self.work.id, error)
            del self._waiting[: -2 * LOG_LINES_KEPT]
            del self._steps[:-STEPS_KEPT]
        return news

    def flush(self, *, is_last: bool = False) -> None:
        """Write what waits, and the time since the last write; `is_last` as in `write`.

        Raises:
            UnavailableError: the database is down.
            StateError: the lease is lost.
        """
        lines = sum(isinstance(entry.happened, str) for entry in self._waiting)
        now = time.monotonic()
        is_further = self._step > self.furthest
        with self.store.transaction() as tx:
            if is_last:
                tx.work.hold(self.work.id, self.work.attempt)
            else:
                tx.work.renew(self.work.id, self.work.attempt, lease_s=self.lease_s)
            if is_further and not is_last:
                tx.work.forgive(self.work.id, self.work.attempt)
            tx.runs.add_wall_time(self.work.id, now - self._accounted_at)
            tx.journal.add(self.work.id, self._waiting)
            tx.metrics.put(self.work.id, self.work.attempt, self._steps)
            if self._log_lines + lines > 2 * LOG_LINES_KEPT:
                tx.journal.trim_log(self.work.id, self.work.attempt, keep=LOG_LINES_KEPT)
        self._accounted_at = now
        if is_further:
            self.furthest = LARGEST_STEP  # once is enough
        self._log_lines += lines
        if self._log_lines > 2 * LOG_LINES_KEPT:
            self._log_lines = LOG_LINES_KEPT
        self._waiting, self._steps = [], []

    def _is_told(self, report: Progress) -> bool:
        """Whether it only says that the process still lives: while a step takes long, its report is repeated."""
        step, self._step = self._step, report.step
        return step == report.step and not report.metrics and not report.steps

    def _publish_newest(self, happened: Sequence[Progress | str]) -> None:
        newest = next((one for one in reversed(happened) if isinstance(one, Progress)), None)
        if newest is not None:
            self.feed.publish(RunProgress(run_id=self.work.id, attempt=self.work.attempt, progress=newest))


def follow(
    child: Child,
    lease: Lease,
    journal: AttemptJournal,
    on_checkpoint: Callable[[ReportedCheckpoint], None],
    limits: Limits = NO_LIMITS,
) -> None:
    """Follow the process to its end; returns when it says that its bundle is whole.

    Raises:
        StoppedAttemptError: the attempt had to end.
        FailedRunError, FailedAttemptError: the process says why it failed, it crashed, or it took too long.
        StateError: the lease is lost.
    """
    last: Report | None = None
    watch = Watch(limits)
    while not child.ended:
        if lease.must_stop:
            raise StoppedAttemptError
        report, news = _take(child.read(WINDOW_S), journal, on_checkpoint)
        last = report or last
        try:
            watch.look(news=news)
        except (StalledError, RunTooLongError) as error:
            raise overdue(error, journal.log_tail) from error
    code = child.exit_code()
    if isinstance(last, ReportedFailure):
        raise _reported(last, journal)
    if code != 0 or not isinstance(last, ReportedEnd):
        raise crash(code, journal.log_tail)


def hear_out(
    lines: Sequence[Line], journal: AttemptJournal, on_checkpoint: Callable[[ReportedCheckpoint], None]
) -> None:
    """Keep the last words of a process that was stopped: the numbers of its last steps, and its last checkpoint.

    Nothing is kept where another attempt has the run.
    """
    with suppress(StateError):
        _take(lines, journal, on_checkpoint, is_last=True)


def _take(
    lines: Sequence[Line],
    journal: AttemptJournal,
    on_checkpoint: Callable[[ReportedCheckpoint], None],
    *,
    is_last: bool = False,
) -> tuple[Report | None, bool]:
    """Write down what was said; the failure or the end, when it was among it, and whether there was anything new."""
    happened: list[Progress | str] = []
    checkpoints: list[ReportedCheckpoint] = []
    last: Report | None = None
    for line in lines:
        report = read_report(line.text) if line.is_output else None
        if isinstance(report, Progress):
            happened.append(report)
        elif isinstance(report, ReportedCheckpoint):
            checkpoints.append(report)
        elif report is not None:
            last = report
        else:
            happened.append(line.text[:LONGEST_LINE])
    try:
        # Before the checkpoints: who goes on from one makes the steps up to it no more.
        news = journal.write(happened, is_last=is_last)
    finally:
        for checkpoint in checkpoints:
            on_checkpoint(checkpoint)
    return last, news or last is not None


def _reported(said: ReportedFailure, journal: AttemptJournal) -> FailedRunError | FailedAttemptError:
    then = Then.TRY_SMALLER if said.smaller else Then.GIVE_UP if said.permanent else Then.TRY_AGAIN
    found = Diagnosis(cause=said.cause, remedy=said.remedy, then=then, words=words_of(said.cause))
    # The log may have lost what the report has.
    logged = "\n".join(journal.log_tail)
    unlogged = [error[:LONGEST_LINE] for error in said.errors if error.partition("\n")[0] not in logged]
    return failed(said.detail, found, [*journal.log_tail, *unlogged])

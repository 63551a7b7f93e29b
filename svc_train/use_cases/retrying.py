"""What a failed attempt leaves to the one after it: how it ended, and what is changed for the next try."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from shared.contracts.work import Work
from shared.errors import NotYetError, StateError, UnavailableError
from svc_train.domain.failures import (
    FailedAttemptError,
    FailedRunError,
    StoppedAttemptError,
    TooLargeError,
    failure_of,
    smaller,
)
from svc_train.domain.request import RunRequest
from svc_train.domain.run import JournalEntry, RunNotes
from svc_train.ports import TrainStore
from svc_train.recipes.base import Recipe
from svc_train.recipes.hyperparameters import parse, resolved

log = logging.getLogger(__name__)


def hyperparameters_of(store: TrainStore, work: Work, recipe: Recipe) -> dict[str, Any]:
    """All that hold in this attempt: what was asked for, what an earlier attempt changed, and defaults."""
    asked = RunRequest.from_json(work.request).hyperparameters
    return resolved(parse(recipe.config_type, {**asked, **_notes(store, work).retried_with}))


def after_failure(
    store: TrainStore,
    work: Work,
    hyperparameters: Mapping[str, Any],
    error: FailedRunError | FailedAttemptError,
    *,
    lease_s: float,
) -> FailedRunError | FailedAttemptError:
    """The error that decides what becomes of a run whose training process failed.

    What did not fit into memory is tried once more with the same batch in smaller parts: that is noted on the run, and
    every later failure of it says so.

    Raises:
        StateError: the lease is lost.
    """
    changed = _notes(store, work).retried_with
    if changed:
        return type(error)(replace(error.failure, retried_with=changed))
    part = smaller(hyperparameters) if isinstance(error, TooLargeError) else None
    if part is None:
        return error
    before = {name: hyperparameters[name] for name in part}
    line = f"{error.failure.cause}: the run is tried once more with {_named(part)} in place of {_named(before)}"
    log.info("run %s, attempt %d: %s", work.id, work.attempt, line)
    with store.transaction() as tx:
        # Only the attempt that holds the run may change it.
        tx.work.renew(work.id, work.attempt, lease_s=lease_s)
        tx.runs.retry_with(work.id, part)
        tx.journal.add(work.id, [JournalEntry(attempt=work.attempt, happened=line)])
    return FailedAttemptError(replace(error.failure, retried_with=part))


def note_failure(store: TrainStore, work: Work, error: Exception, *, lease_s: float) -> None:
    """Keep how an attempt went wrong, so that people see why a run is tried again.

    An attempt that was asked to end, or that waits for a name, did not go wrong.
    """
    if isinstance(error, StoppedAttemptError | NotYetError | StateError):
        return
    failure = failure_of(error)
    line = f"attempt {work.attempt} failed: {failure.cause}: {failure.reason} {failure.remedy}".strip()
    # A note must not hide the error itself, and the database may be the very thing that is down.
    with suppress(UnavailableError, StateError), store.transaction() as tx:
        tx.work.renew(work.id, work.attempt, lease_s=lease_s)
        tx.runs.note_failure(work.id, failure)
        tx.journal.add(work.id, [JournalEntry(attempt=work.attempt, happened=line)])


def _notes(store: TrainStore, work: Work) -> RunNotes:
    with store.reading() as tx:
        return tx.runs.notes([work.id]).get(work.id, RunNotes())


def _named(values: Mapping[str, Any]) -> str:
    return " and ".join(f"{name} {value}" for name, value in values.items())

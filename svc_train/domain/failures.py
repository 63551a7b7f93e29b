"""How an attempt goes wrong, as errors that carry what a person is told."""

from __future__ import annotations

import signal
from collections.abc import Sequence

from shared.contracts.work import Failure
from shared.errors import NotYetError, PendingError, PermanentError, RetryableError

PARENT_FAILED = "parent_failed"
_ENDED = {"failed": "failed", "cancelled": "been cancelled"}


class MissingDatasetError(NotYetError):
    """The registry does not know the training set yet."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.failure = Failure(
            cause="not_found",
            reason=reason,
            remedy="Register the dataset (ingest it, or export a training set), then ask for the run again.",
        )


class MissingParentError(NotYetError):
    """The registry does not know the version to go on from yet."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.failure = Failure(
            cause="not_found",
            reason=reason,
            remedy="Train and register the parent first, then ask for the run again.",
        )


class PendingParentError(PendingError):
    """The run whose version to go on from has not ended yet."""


class FailedRunError(PermanentError):
    """Another attempt would end in the same way."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


def parent_failed(parent_run: str, state: str) -> FailedRunError:
    """The error for a run whose parent made no version."""
    return FailedRunError(
        Failure(
            cause=PARENT_FAILED,
            reason=f"The run {parent_run}, whose version this one was to go on from, has {_ENDED[state]}",
            remedy=f"Resume it (`upwell runs resume {parent_run}`): this run is then queued again by itself.",
        )
    )


class FailedAttemptError(RetryableError):
    """Another attempt may end well."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class StoppedAttemptError(RetryableError):
    """The service stops, or the run is no longer this attempt's to finish."""

    def __init__(self) -> None:
        super().__init__("The attempt was stopped")


def crash(exit_code: int, log_tail: Sequence[str]) -> FailedAttemptError:
    """The error for a training process that ended without saying why; a negative exit code is a signal's number."""
    cause, remedy = "crashed", "The last lines of the log are the evidence."
    if exit_code == -signal.SIGKILL:
        cause, remedy = "killed", "If the machine ran out of memory, lower batch_size, or give it more memory."
    how = f"was killed by {_signal_name(-exit_code)}" if exit_code < 0 else f"ended with exit code {exit_code}"
    reason = f"The training process {how} and gave no reason"
    return FailedAttemptError(Failure(cause=cause, reason=reason, remedy=remedy, evidence=tuple(log_tail)))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"

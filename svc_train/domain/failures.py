"""How an attempt goes wrong, as errors that carry what a person is told."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from typing import Any

from shared.contracts import work
from shared.contracts.work import Failure
from shared.errors import NotYetError, PendingError, PermanentError, RetryableError
from svc_train.domain.diagnosis import Diagnosis, Symptoms, Then, diagnose, raised
from svc_train.domain.evidence import evidence

# Causes that say no more than that something went wrong.
UNKNOWN = ("refused", "crashed")
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


class TooLargeError(FailedRunError):
    """It did not fit into memory: another attempt with a smaller micro-batch may."""


class FailedAttemptError(RetryableError):
    """Another attempt may end well."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class StoppedAttemptError(RetryableError):
    """The service stops, or the run is no longer this attempt's to finish."""

    def __init__(self) -> None:
        super().__init__("The attempt was stopped")


class StalledError(RetryableError):
    """A training process says nothing new."""


class RunTooLongError(PermanentError):
    """A training process takes longer than it may."""


def crash(exit_code: int, log: Sequence[str]) -> FailedRunError | FailedAttemptError:
    """The error for a training process that ended without saying why; a negative exit code is a signal's number."""
    how = f"was killed by {_signal_name(-exit_code)}" if exit_code < 0 else f"ended with exit code {exit_code}"
    found = diagnose(Symptoms(exit_code=exit_code, log=log))
    return failed(f"The training process {how} and gave no reason", found, log)


def overdue(error: StalledError | RunTooLongError, log: Sequence[str]) -> FailedRunError | FailedAttemptError:
    """The error for a training process that had to be ended."""
    return failed(str(error), diagnose(Symptoms(errors=raised(error))), log)


def failed(reason: str, found: Diagnosis, log: Sequence[str]) -> FailedRunError | FailedAttemptError:
    """The error for a diagnosis."""
    failure = Failure(cause=found.cause, reason=reason, remedy=found.remedy, evidence=evidence(log, found.words))
    match found.then:
        case Then.GIVE_UP:
            return FailedRunError(failure)
        case Then.TRY_SMALLER:
            return TooLargeError(failure)
        case Then.TRY_AGAIN:
            return FailedAttemptError(failure)


def failure_of(error: Exception) -> Failure:
    """What a person is told of any error that ends an attempt."""
    failure = getattr(error, "failure", None)
    if isinstance(failure, Failure):
        return failure
    found = diagnose(Symptoms(errors=raised(error)))
    if found.cause in UNKNOWN:
        # What an unexpected error of the service says is for its log alone.
        return work.failure_of(error)
    return Failure(cause=found.cause, reason=reason_of(error), remedy=found.remedy)


def reason_of(error: BaseException) -> str:
    """One sentence: our own errors speak for themselves, others are named by their class."""
    first_line = (str(error).strip().splitlines() or [""])[0]
    if isinstance(error, PermanentError | RetryableError):
        return first_line
    return f"{type(error).__name__}: {first_line}"


def smaller(hyperparameters: Mapping[str, Any]) -> dict[str, int] | None:
    """The same batch in smaller parts, half as large where they can be; None where they cannot be smaller.

    Args:
        hyperparameters: all that hold, defaults included; a recipe has to know `batch_size` and
            `gradient_accumulation`.
    """
    size, parts = hyperparameters.get("batch_size"), hyperparameters.get("gradient_accumulation")
    if not isinstance(size, int) or not isinstance(parts, int) or size <= 1:
        return None
    factor = next(factor for factor in range(2, size + 1) if size % factor == 0)
    return {"batch_size": size // factor, "gradient_accumulation": parts * factor}


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"

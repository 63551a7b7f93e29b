"""A failure as the parent is told of it: cause, remedy, and whether the same again can help."""

from __future__ import annotations

import errno
from dataclasses import dataclass

from shared.errors import IntegrityError, InvalidInputError, PermanentError, RetryableError
from svc_train.recipes.failure import TrainingFailure

# What torch's allocators say; on a CPU it is a bare RuntimeError.
OUT_OF_MEMORY_WORDS = ("can't allocate memory", "not enough memory", "out of memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Why an attempt failed.

    Args:
        permanent: the same again gives the same.
        cause: short and machine-readable.
        remedy: what to do.
        detail: one sentence for a person.
    """

    permanent: bool
    cause: str
    remedy: str
    detail: str


def diagnose(error: BaseException) -> Diagnosis:
    """The diagnosis of an error; an unknown one may pass, so it is worth another attempt."""
    detail = _detail(error)
    match error:
        case TrainingFailure():
            return Diagnosis(permanent=True, cause=error.cause, remedy=error.remedy, detail=detail)
        case InvalidInputError():
            remedy = "Correct what the detail names and start a new run."
            return Diagnosis(permanent=True, cause="invalid_input", remedy=remedy, detail=detail)
        case IntegrityError():
            remedy = "Check the base and the datasets of the run in the object store."
            return Diagnosis(permanent=True, cause="damaged_data", remedy=remedy, detail=detail)
        case PermanentError() | RetryableError():
            permanent = isinstance(error, PermanentError)
            return Diagnosis(permanent=permanent, cause="failed", remedy="See the detail.", detail=detail)
        case OSError() if error.errno == errno.ENOSPC:
            remedy = "Free disk space on the training machine."
            return Diagnosis(permanent=False, cause="disk_full", remedy=remedy, detail=detail)
        case _ if _is_out_of_memory(error):
            remedy = "Lower batch_size or window, or train where there is more memory."
            return Diagnosis(permanent=False, cause="out_of_memory", remedy=remedy, detail=detail)
        case _:
            remedy = "See the end of the run's log."
            return Diagnosis(permanent=False, cause="crashed", remedy=remedy, detail=detail)


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in OUT_OF_MEMORY_WORDS)


def _detail(error: BaseException) -> str:
    first_line = (str(error).strip().splitlines() or [""])[0]
    if isinstance(error, PermanentError | RetryableError):
        return first_line
    return f"{type(error).__name__}: {first_line}"

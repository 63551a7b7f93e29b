"""A failure as the parent is told of it: cause, remedy, and whether the same again can help."""

from __future__ import annotations

import errno
from dataclasses import asdict, dataclass
from typing import Any

from shared.errors import IntegrityError, InvalidInputError, PermanentError, RetryableError
from svc_train.recipes.failure import TrainingFailedError

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

    def as_event(self) -> dict[str, Any]:
        """The fields of the event `failed`."""
        return asdict(self)


def diagnose(error: BaseException) -> Diagnosis:
    """The diagnosis of an error; an unknown one may pass, so it is worth another attempt."""
    cause, remedy = _cause_and_remedy(error)
    return Diagnosis(permanent=isinstance(error, PermanentError), cause=cause, remedy=remedy, detail=_detail(error))


def _cause_and_remedy(error: BaseException) -> tuple[str, str]:
    match error:
        case TrainingFailedError():
            found = error.cause, error.remedy
        case InvalidInputError():
            found = "invalid_input", "Correct what the detail names and start a new run."
        case IntegrityError():
            found = "damaged_data", "Check the base and the datasets of the run in the object store."
        case OSError() if error.errno == errno.ENOSPC:
            found = "disk_full", "Free disk space on the training machine."
        case _ if _is_out_of_memory(error):
            found = "out_of_memory", "Lower batch_size or window, or train where there is more memory."
        case _:
            found = "crashed", "See the end of the run's log."
    return found


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in OUT_OF_MEMORY_WORDS)


def _detail(error: BaseException) -> str:
    first_line = (str(error).strip().splitlines() or [""])[0]
    if isinstance(error, PermanentError | RetryableError):
        return first_line
    return f"{type(error).__name__}: {first_line}"

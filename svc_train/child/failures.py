"""A failure as the parent is told of it: what was raised, its cause, the remedy, and whether another try can help."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from svc_train.domain.diagnosis import Raised, Symptoms, Then, diagnose, raised
from svc_train.domain.failures import reason_of
from svc_train.recipes.failure import TrainingFailedError

# An error's text can be as long as the data that caused it, and the parent reads lines of bounded length.
LONGEST_MESSAGE = 1000
MOST_ERRORS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Why an attempt failed.

    Args:
        then: what may be done next.
        cause: short and machine-readable.
        remedy: what to do.
        detail: one sentence for a person.
        errors: the exception and those it came from, outermost first.
    """

    then: Then
    cause: str
    remedy: str
    detail: str
    errors: tuple[Raised, ...]

    def to_event(self) -> dict[str, Any]:
        """The fields of the event `failed`."""
        return {
            "permanent": self.then is Then.GIVE_UP,
            "smaller": self.then is Then.TRY_SMALLER,
            "cause": self.cause,
            "remedy": self.remedy,
            "detail": self.detail[:LONGEST_MESSAGE],
            "errors": [
                {**asdict(error), "message": error.message[:LONGEST_MESSAGE]} for error in self.errors[:MOST_ERRORS]
            ],
        }


def tell(error: BaseException) -> Told:
    """The diagnosis of an error; a recipe that knows the cause itself is believed."""
    errors = raised(error)
    found = diagnose(Symptoms(errors=errors))
    told = (found.then, found.cause, found.remedy)
    if isinstance(error, TrainingFailedError):
        told = (Then.GIVE_UP, error.cause, error.remedy)
    then, cause, remedy = told
    return Told(then=then, cause=cause, remedy=remedy, detail=reason_of(error), errors=errors)

"""One error tree. It answers two questions: will trying again help, and whose fault is it?

UpwellError
├── PermanentError            trying again cannot help
│   ├── AttemptsSpentError    it was tried as often as anything may be
│   ├── InvalidInputError     the caller's data or arguments are wrong (names the field)
│   ├── NotFoundError         what was named does not exist
│   ├── ConflictError         the same name or id is already used for something else
│   ├── StateError            the thing exists, but is not in a state that allows this
│   ├── IntegrityError        stored bytes are not what their digest or certificate says
│   ├── UnauthenticatedError  no token, or one we do not know
│   └── ForbiddenError        the token's role does not allow this
└── RetryableError            trying again may help; each try spends an attempt
    ├── NotYetError           what was named may still come: work waits for it, for a while
    │   └── PendingError      what was named is being made: work waits for as long as that takes
    ├── OverloadedError       a bounded queue is full
    └── UnavailableError      something we depend on is down; trying again spends no attempt

`shared.runtime` maps the tree to acknowledgements on the bus (`fate.py`) and to gRPC codes (`grpc_errors.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One wrong field: `field` is its dotted path in the request, `reason` says what is allowed."""

    field: str
    reason: str


class UpwellError(Exception):
    """The root: `str(error)` is one sentence a user can act on and holds no secret."""


class PermanentError(UpwellError):
    """Trying again cannot help."""


class AttemptsSpentError(PermanentError):
    """It was tried as often as anything may be."""


class InvalidInputError(PermanentError):
    """The caller's data or arguments are wrong; `violations` names each field."""

    def __init__(self, message: str, violations: Sequence[FieldViolation] = ()) -> None:
        super().__init__(message)
        self.violations = tuple(violations)

    @classmethod
    def of(cls, field: str, reason: str) -> InvalidInputError:
        """An error about one field, whose message is `field: reason`."""
        return cls(f"{field}: {reason}", [FieldViolation(field, reason)])


class NotFoundError(PermanentError):
    """What was named does not exist."""


class ConflictError(PermanentError):
    """The same name or id is already used for something else."""


class StateError(PermanentError):
    """The thing exists, but is not in a state that allows this."""


class IntegrityError(PermanentError):
    """Stored bytes are not what their digest or certificate says."""


class UnauthenticatedError(PermanentError):
    """No token, or one that is not known here."""


class ForbiddenError(PermanentError):
    """The token's role does not allow this."""


class RetryableError(UpwellError):
    """Trying again may help; each try spends an attempt."""


class NotYetError(RetryableError):
    """What was named does not exist yet. Recorded work waits for it and spends nothing until its patience ends."""


class PendingError(NotYetError):
    """What was named is being made, and its maker says when that fails: work waits without losing patience."""


class OverloadedError(RetryableError):
    """A bounded queue is full: try again later, or elsewhere."""


class UnavailableError(RetryableError):
    """Something we depend on is down; trying again spends no attempt."""

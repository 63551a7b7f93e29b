"""What the client, the command and the embedded stack raise.

ToolError                  str(error) is one sentence for the person who called
├── UpwellClientError      a service answered with an error, or not at all
│   └── SilenceError       nothing was heard for long of what is followed, which may go on
├── BusError               the bus does not answer, or refused
└── StackError             the embedded stack cannot be started, stopped or found
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One wrong field of a request: its dotted path, and what is allowed."""

    field: str
    reason: str


class ToolError(Exception):
    """The root: `str(error)` is one sentence for the person who called, `exit_code` tells it to a script."""

    exit_code = 1


class UpwellClientError(ToolError):
    """A call to a service failed.

    Attributes:
        code: the gRPC code's name, e.g. `NOT_FOUND`.
        message: the service's sentence.
        violations: the wrong fields, where the service named them.
    """

    def __init__(self, code: str, message: str, violations: Sequence[FieldViolation] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.violations = tuple(violations)


class SilenceError(UpwellClientError):
    """Nothing was heard for long of what is followed: whether it goes on is not known."""

    exit_code = 3


class BusError(ToolError):
    """The bus does not answer, or refused."""


class StackError(ToolError):
    """The embedded stack cannot be started, stopped or found."""

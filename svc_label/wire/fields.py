"""Where in a request a wrong field stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shared.errors import FieldViolation, InvalidInputError


@contextmanager
def inside(path: str) -> Iterator[None]:
    """Errors about fields of a part of a request name them by their path in the whole request."""
    try:
        yield
    except InvalidInputError as error:
        violations = [FieldViolation(f"{path}.{v.field}", v.reason) for v in error.violations]
        message = "; ".join(f"{v.field}: {v.reason}" for v in violations) or str(error)
        raise InvalidInputError(message, violations) from error


def bounded(field: str, asked: int, *, default: int, largest: int) -> int:
    """The number asked for, the default for 0; InvalidInputError when it is too large."""
    if asked > largest:
        raise InvalidInputError.of(field, f"{asked} is too large: ask for 1 to {largest}")
    return asked or default

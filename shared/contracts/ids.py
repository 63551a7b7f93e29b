"""Ids that come out the same when the same thing is done again."""

from __future__ import annotations

import re
import uuid

from shared.errors import InvalidInputError

NAMESPACE = uuid.UUID("5d1c1f0e-6a52-5d0b-9c64-8f2a3f0f6f11")
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,99}")


def derived_id(*parts: str) -> str:
    """A uuid5 of the parts: the same parts give the same id."""
    return str(uuid.uuid5(NAMESPACE, "\0".join(parts)))


def check_id(field: str, value: str) -> str:
    """A client's id, or InvalidInputError naming the field."""
    if not ID.fullmatch(value):
        raise InvalidInputError.of(field, f"{value!r} is not an id: use 1 to 100 of A-Z a-z 0-9 . _ -")
    return value

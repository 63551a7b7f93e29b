"""JSON from elsewhere: read strictly, so that what is kept is what was written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import isfinite
from typing import Any

from shared.errors import FieldViolation, InvalidInputError

MAX_BYTES = 2**20
MAX_DEPTH = 30
WHOLE = "(file)"  # the path of a violation that concerns the file as a whole


def read_document(content: bytes) -> Any:
    """The JSON value of a file.

    Raises:
        InvalidInputError: too large, not UTF-8, not JSON; or a name given twice, a number that JSON does not know (NaN,
            infinity) or text that is no Unicode, each with its path.
    """
    if len(content) > MAX_BYTES:
        raise InvalidInputError.of(WHOLE, f"has {len(content):,} bytes; at most {MAX_BYTES:,} are read")
    twice: list[str] = []

    def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs):
            twice.extend(sorted({name for name, _ in pairs if [key for key, _ in pairs].count(name) > 1}))
        return value

    try:
        document = json.loads(content.decode("utf-8-sig"), object_pairs_hook=object_of)
    except UnicodeDecodeError as error:
        raise InvalidInputError.of(WHOLE, f"is not UTF-8 text: byte {error.start} cannot be read") from error
    except RecursionError as error:
        raise InvalidInputError.of(WHOLE, f"is nested deeper than {MAX_DEPTH} levels") from error
    except ValueError as error:
        raise InvalidInputError.of(WHOLE, f"is not JSON: {error}") from error
    wrong = [FieldViolation(name, "is given twice in one object: name it once") for name in twice]
    raise_if(wrong + _not_storable(document))
    return document


def raise_if(wrong: Sequence[FieldViolation]) -> None:
    """Raise InvalidInputError with every violation, or nothing where there is none."""
    if wrong:
        raise InvalidInputError("; ".join(f"{each.field}: {each.reason}" for each in wrong), wrong)


def _not_storable(document: Any) -> list[FieldViolation]:
    wrong: list[FieldViolation] = []
    waiting: list[tuple[str, Any, int]] = [("", document, 0)]
    while waiting:
        path, value, depth = waiting.pop()
        if depth > MAX_DEPTH:
            wrong.append(FieldViolation(path, f"is nested deeper than {MAX_DEPTH} levels"))
        elif isinstance(value, dict):
            wrong += [FieldViolation(path or WHOLE, _NOT_UNICODE) for name in value if not _is_unicode(name)]
            inner = [(f"{path}.{name}" if path else name, each) for name, each in value.items() if _is_unicode(name)]
            waiting += [(name, each, depth + 1) for name, each in reversed(inner)]
        elif isinstance(value, list):
            waiting += [(f"{path}[{place}]", each, depth + 1) for place, each in reversed(list(enumerate(value)))]
        elif isinstance(value, str) and not _is_unicode(value):
            wrong.append(FieldViolation(path or WHOLE, _NOT_UNICODE))
        elif isinstance(value, (int, float)) and not _is_number(value):
            wrong.append(FieldViolation(path or WHOLE, f"{str(value)[:20]} is no number that JSON knows: leave it out"))
    return wrong


_NOT_UNICODE = "holds half of a surrogate pair, which is no text"


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_number(value: float) -> bool:
    try:
        return isfinite(value)
    except OverflowError:
        return False

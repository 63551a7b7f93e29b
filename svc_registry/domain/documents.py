"""JSON from elsewhere: read strictly, so that what is kept is what was written."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import isfinite
from typing import Any

from shared.errors import FieldViolation, InvalidInputError

MAX_BYTES = 2**20
MAX_DEPTH = 30
# Of what is wrong, so much is told, and of a name.
MOST_WRONG = 100
SHOWN_CHARACTERS = 80
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
            counts = Counter(name for name, _ in pairs)
            twice.extend(sorted(name for name, count in counts.items() if count > 1))
        return value

    try:
        document = json.loads(content.decode("utf-8-sig"), object_pairs_hook=object_of)
    except UnicodeDecodeError as error:
        raise InvalidInputError.of(WHOLE, f"is not UTF-8 text: byte {error.start} cannot be read") from error
    except RecursionError as error:
        raise InvalidInputError.of(WHOLE, f"is nested deeper than {MAX_DEPTH} levels") from error
    except ValueError as error:
        raise InvalidInputError.of(WHOLE, f"is not JSON: {error}") from error
    wrong = [FieldViolation(_shown(name), "is given twice in one object: name it once") for name in twice[:MOST_WRONG]]
    raise_if(wrong + list(islice(_not_storable(document), MOST_WRONG)))
    return document


def raise_if(wrong: Sequence[FieldViolation]) -> None:
    """Raise InvalidInputError with every violation, or nothing where there is none."""
    if wrong:
        raise InvalidInputError("; ".join(f"{each.field}: {each.reason}" for each in wrong), wrong)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands; the path is only made of those that are wrong, for a file may hold very many."""

    above: _Place | None
    name: str | int

    def __str__(self) -> str:
        pieces: list[str] = []
        place: _Place | None = self
        while place is not None:
            pieces.append(f"[{place.name}]" if isinstance(place.name, int) else f".{_shown(place.name)}")
            place = place.above
        return "".join(reversed(pieces)).removeprefix(".")


def _not_storable(document: Any) -> Iterator[FieldViolation]:
    waiting: list[tuple[_Place | None, Any, int]] = [(None, document, 0)]
    while waiting:
        place, value, depth = waiting.pop()
        reason = f"is nested deeper than {MAX_DEPTH} levels" if depth > MAX_DEPTH else _reason(value)
        if reason:
            yield FieldViolation(WHOLE if place is None else str(place), reason)
        elif isinstance(value, dict):
            waiting += [(_Place(place, name), each, depth + 1) for name, each in reversed(value.items())]
        elif isinstance(value, list):
            waiting += [(_Place(place, number), value[number], depth + 1) for number in reversed(range(len(value)))]


def _reason(value: Any) -> str:
    """Why a value could not be kept, what is inside it aside; empty when it can."""
    if isinstance(value, dict):
        return "" if all(map(_is_unicode, value)) else _NOT_UNICODE
    if isinstance(value, str):
        return "" if _is_unicode(value) else _NOT_UNICODE
    if isinstance(value, (int, float)) and not _is_number(value):
        return f"{str(value)[:20]} is no number that JSON knows: leave it out"
    return ""


def _shown(name: str) -> str:
    text = name.encode(errors="replace").decode()
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


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

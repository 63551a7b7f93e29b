"""Reads objects of a JSON document field by field and collects what is wrong, each with its path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from shared.errors import FieldViolation

LONGEST_TEXT = 500
LARGEST_COUNT = 2**53


class Fields:
    """One object of a document; every method gives a usable value even where it noted that the field is wrong.

    Args:
        value: what stands at the path; anything but an object is noted as wrong and read as empty.
        path: its path in the document; empty for the document itself.
        wrong: where violations go.
    """

    def __init__(self, value: Any, *, path: str, wrong: list[FieldViolation]) -> None:
        self._path = path
        self._wrong = wrong
        if not isinstance(value, Mapping):
            wrong.append(FieldViolation(path or "(file)", f"must be an object, not {kind_of(value)}"))
        self.raw: Mapping[str, Any] = value if isinstance(value, Mapping) else {}

    def note(self, name: str, reason: str) -> None:
        """Note that a field is wrong."""
        self._wrong.append(FieldViolation(self._at(name), reason))

    def text(self, name: str, *, required: bool = False) -> str:
        """Text without control characters; empty where it is absent or null."""
        value = self._present(name, required=required)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.note(name, f"must be text, not {kind_of(value)}")
        elif required and not value.strip():
            self.note(name, "must not be empty")
        elif len(value) > LONGEST_TEXT:
            self.note(name, f"has {len(value)} characters; at most {LONGEST_TEXT} are allowed")
        elif not value.isprintable():
            self.note(name, f"{value!r} holds control characters")
        else:
            return value
        return ""

    def count(self, name: str, *, required: bool = False) -> int | None:
        """A whole number from 0 up; `10.0` counts as 10. None where it is absent or null."""
        value = self._present(name, required=required)
        if value is None:
            return None
        if not _is_whole(value) or not 0 <= value <= LARGEST_COUNT:
            self.note(name, f"must be a whole number from 0 up, not {_shown(value)}")
            return None
        return int(value)

    def number(self, name: str) -> float | None:
        """A number from 0 up; None where it is absent or null."""
        value = self._present(name, required=False)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
            self.note(name, f"must be a number from 0 up, not {_shown(value)}")
            return None
        return float(value)

    def moment(self, name: str) -> datetime | None:
        """An ISO 8601 time in UTC; one that names no zone is taken as UTC. None where it is absent, null or empty."""
        value = self._present(name, required=False)
        if value is None or value == "":
            return None
        try:
            return _utc(datetime.fromisoformat(value))
        except (TypeError, ValueError, OverflowError):
            self.note(name, f"must be an ISO 8601 time such as '2026-03-01T08:30:00Z', not {_shown(value)}")
            return None

    def mapping(self, name: str) -> Mapping[str, Any]:
        """An object; empty where it is absent or null."""
        value = self._present(name, required=False)
        if value is None or isinstance(value, Mapping):
            return value or {}
        self.note(name, f"must be an object, not {kind_of(value)}")
        return {}

    def objects(self, name: str, *, at_most: int) -> Sequence[Fields]:
        """A list of one or more objects."""
        value = self._present(name, required=True)
        if value is None:
            return ()
        if not isinstance(value, list) or not 1 <= len(value) <= at_most:
            shown = f"a list of {len(value):,}" if isinstance(value, list) else kind_of(value)
            self.note(name, f"must be a list of 1 to {at_most:,} objects, not {shown}")
            return ()
        return [Fields(each, path=f"{self._at(name)}[{place}]", wrong=self._wrong) for place, each in enumerate(value)]

    def _present(self, name: str, *, required: bool) -> Any:
        value = self.raw.get(name)
        if value is None and required:
            self.note(name, "is missing")
        return value

    def _at(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name


def kind_of(value: Any) -> str:
    """What JSON calls a value."""
    kinds = {bool: "true or false", dict: "an object", list: "a list", str: "text", type(None): "null"}
    return kinds.get(type(value), "a number")


def _is_whole(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())


def _shown(value: Any) -> str:
    return repr(value)[:60] if isinstance(value, (str, int, float)) else kind_of(value)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

"""ISO 8601 times in their extended form: what is wrong with one that was refused."""

from __future__ import annotations

import re

SHOWN_CHARACTERS = 60
_OFFSET = re.compile(r"\d\d(Z|[+-]\d\d(:?\d\d)?)", re.ASCII)
_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d(:\d\d(:\d\d([.,]\d+)?)?)?(Z|[+-]\d\d(:?\d\d)?)?)?", re.ASCII)


def clipped(text: str) -> str:
    """A cell for a message, cut where it is long."""
    return repr(text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "...")


def has_offset(text: str) -> bool:
    """Whether a time says its offset from UTC."""
    _, _, clock = text.replace(" ", "T").partition("T")
    return _OFFSET.search(clock) is not None


def iso_reason(text: str, *, aware: bool) -> str:
    """Why a time was refused; `aware` tells whether the first time of its column has an offset from UTC."""
    if text != text.strip():
        return f"the time {clipped(text)} has spaces around it"
    if not _ISO.fullmatch(text):
        return (
            f"{clipped(text)} is not an ISO 8601 time such as 2024-01-31T13:45:00.5Z; "
            "numbers need a time_format (s, ms, us, ns or index)"
        )
    if has_offset(text) != aware:
        here, there = ("no", "an") if aware else ("an", "no")
        return f"the time {clipped(text)} has {here} offset from UTC while the first one has {there} offset"
    if "," in text:
        return f"the time {clipped(text)} has a decimal comma; write a point"
    # The form is right, so what remains is a day or hour that is none, too many digits, or the range.
    return (
        f"{clipped(text)} is no time that nanoseconds can hold: "
        "a moment of the calendar between 1678 and 2261, with at most 9 digits after the seconds' point"
    )

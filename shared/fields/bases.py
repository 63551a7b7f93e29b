"""What the anomalies of a channel depart from: the usual year of a base period, as text.

`1982-01/2010-12` names its first and its last month, as ISO 8601 writes an interval; `given` says that the channel came
as anomalies, whose base only their maker knows; empty says that nothing is known of it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import date

from shared.errors import InvalidInputError
from shared.fields.months import MONTH, month_text

UNKNOWN, GIVEN = "", "given"
INTERVAL = re.compile(rf"({MONTH})/({MONTH})")


def bases_of(channels: Sequence[str], base: tuple[date, date], given: Collection[str]) -> tuple[str, ...]:
    """The base of each channel of a field whose base period is `base`; `given` are those that came as anomalies."""
    interval = f"{month_text(base[0])}/{month_text(base[1])}"
    return tuple(GIVEN if channel in given else interval for channel in channels)


def in_base(base: str, months: Sequence[date]) -> tuple[bool, ...]:
    """Which months the base period holds; none of one that is not recorded."""
    found = INTERVAL.fullmatch(base)
    first, last = found.groups() if found else ("", "")
    return tuple(first <= month_text(month) <= last for month in months)


def check_bases(bases: Sequence[str], channels: Sequence[str]) -> None:
    """InvalidInputError when there is neither none nor one for each channel, or one is no base."""
    if bases and len(bases) != len(channels):
        raise InvalidInputError.of("bases", f"there are {len(bases)} for {len(channels)} channels; one for each")
    for base in bases:
        found = INTERVAL.fullmatch(base)
        if base not in (UNKNOWN, GIVEN) and not (found and found[1] <= found[2]):
            raise InvalidInputError.of("bases", f"{base!r} is none: write 1982-01/2010-12, {GIVEN}, or nothing")


def other_base(
    channels: Sequence[str], bases: Sequence[str], known: Sequence[str], wanted: Sequence[str], *, reader: str
) -> str:
    """Which channel departs from another usual year than its reader learnt, and what to do, for people.

    Args:
        channels: of what is to be read.
        bases: theirs.
        known: the channels that the reader learnt.
        wanted: their bases.
        reader: `the model`.

    Returns:
        Empty where all are the same; a base that is not known is taken for the reader's own.
    """
    theirs = dict(zip(channels, bases, strict=False))
    for channel, ours in zip(known, wanted, strict=False):
        base = theirs.get(channel, UNKNOWN)
        if UNKNOWN not in (base, ours) and base != ours:
            return f"{channel} {_said(base)}, {reader} learnt one that {_said(ours)}: {_way_out(ours)}"
    return ""


def _said(base: str) -> str:
    if base == GIVEN:
        return "came as anomalies of an unrecorded base"
    return f"departs from the usual year of {base.replace('/', ' to ')}"


def _way_out(base: str) -> str:
    if base == GIVEN:
        return "ingest anomalies from the same maker"
    start, end = base.split("/")
    return f"ingest absolute values with -p base_start={start} -p base_end={end}"

"""What labelling has to know of a series: how long it is, its channels, its clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.contracts.kinds import Kind
from shared.contracts.series import TIME_INDEX, TIME_UTC
from shared.contracts.versions import DatasetVersion
from shared.errors import IntegrityError, InvalidInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesFacts:
    """A `series/v1` version that candidates speak of; `time` is `utc` or `index`."""

    version: DatasetVersion
    rows: int
    channels: tuple[str, ...]
    time: str


def check_kind(version: DatasetVersion, labeler: str, kinds: Sequence[str]) -> None:
    """InvalidInputError when the version is of none of the kinds that the labeler reads."""
    if version.kind not in kinds:
        reads = " or ".join(kinds)
        reason = f"{labeler!r} reads {reads}; {version} is {version.kind} (`upwell label list` says what reads it)"
        raise InvalidInputError.of("dataset", reason)


def check_series(version: DatasetVersion, kind: str) -> None:
    """InvalidInputError when the version is of another kind than series."""
    if kind != Kind.SERIES:
        raise InvalidInputError.of("dataset", f"{version} is {kind}; labels are proposed for {Kind.SERIES} only")


def series_facts(version: DatasetVersion, kind: str, meta: Mapping[str, Any]) -> SeriesFacts:
    """The facts in a manifest's `meta`.

    Raises:
        InvalidInputError: the dataset is no series.
        IntegrityError: the meta does not say what a series' meta says.
    """
    check_series(version, kind)
    try:
        facts = SeriesFacts(
            version=version,
            rows=int(meta["rows"]),
            channels=tuple(str(channel["name"]) for channel in meta["channels"]),
            time=str(meta["time"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"The manifest of {version} does not describe a series: {error!r}") from error
    if facts.rows < 1 or facts.time not in {TIME_UTC, TIME_INDEX}:
        raise IntegrityError(f"The manifest of {version} says {facts.rows} rows with the time {facts.time!r}")
    return facts

"""What a source is, and how one is found: through the entry points `upwell.sources`, so a package can add its own."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

import pyarrow as pa

from shared.contracts.series import TIME_COLUMN, TIME_UTC
from shared.errors import InvalidInputError
from svc_ingest.domain.made import Made
from svc_ingest.domain.options import ReadOptions

GROUP = "upwell.sources"
FIELD = "source"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A series on its way in.

    `batches` are record batches with the schema `series_schema(time, channels)`: times grow strictly, values are
    finite or null. What is wrong in the file raises InvalidInputError while they are taken.
    """

    time: str
    channels: tuple[str, ...]
    batches: Generator[Any]


class Source(Protocol):
    """Knows one format. `suffixes` are the endings of file names it knows, lower case with the dot.

    It may have a `summary` too (see `summary_of`), which is no part of this: a package's source works without it.
    """

    name: str
    suffixes: tuple[str, ...]


class SeriesSource(Source, Protocol):
    """Reads series, which are checked and written for it: what a file becomes is `series/v1`."""

    def read(self, path: Path, options: ReadOptions, scratch: Path) -> Reading:
        """Begin to read a file in bounded memory; temporary files go to the folder `scratch` and vanish by themselves.

        Raises:
            InvalidInputError: the file or the options are wrong; the message says where and what to do.
        """
        ...


@runtime_checkable
class DatasetSource(Source, Protocol):
    """Makes the files of a dataset of another kind by itself.

    `parameters` is a frozen dataclass of what a caller may choose; every field has a default (see `parameter`).
    """

    kind: str
    parameters: type[Any]

    def make(self, path: Path, parameters: Any, folder: Path, must_stop: Callable[[], bool]) -> Made:
        """Write the version's files into `folder`, in bounded memory; equal content gives equal bytes and facts.

        Raises:
            InvalidInputError: the file or the parameters are wrong; the message says where and what to do.
            StoppedError: `must_stop` said so.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NoParameters:
    """Of a source that leaves nothing to choose."""


def series_schema(time: str, channels: tuple[str, ...]) -> Any:
    """The Arrow schema of `series/v1`: the time, then one float64 column a channel, where null is missing."""
    time_type = pa.timestamp("ns", tz="UTC") if time == TIME_UTC else pa.int64()
    fields = [pa.field(TIME_COLUMN, time_type, nullable=False)]
    return pa.schema(fields + [pa.field(name, pa.float64()) for name in channels])


def summary_of(source: Source) -> str:
    """One sentence on what it reads and makes; empty where it has none."""
    return str(getattr(source, "summary", ""))


def installed_sources() -> list[Source]:
    """The sources by name; one that cannot be imported raises what its import raises."""
    return [find_source(name) for name in sorted(entry_points(group=GROUP).names)]


def find_source(name: str) -> Source:
    """The source called `name`; InvalidInputError lists those there are."""
    found = entry_points(group=GROUP)
    if name not in found.names:
        raise InvalidInputError.of(FIELD, f"{name!r} is not one of: {', '.join(sorted(found.names))}")
    return cast("Source", found[name].load())


def source_for_path(path: str) -> Source:
    """The source that knows the ending of the path; InvalidInputError lists the endings."""
    known = {suffix: source for source in installed_sources() for suffix in source.suffixes}
    matches = [suffix for suffix in known if path.lower().endswith(suffix)]
    if not matches:
        raise InvalidInputError.of(FIELD, f"{path!r} ends in none of: {', '.join(known)}; name the source")
    return known[max(matches, key=len)]

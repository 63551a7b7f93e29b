"""Ingest jobs: what was asked for, what came of it, and how both are recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any

from shared.contracts.names import check_name
from shared.errors import InvalidInputError, RetryableError
from svc_ingest.domain.options import ReadOptions
from svc_ingest.domain.read_options import read_options

MAX_FILE_NAME = 255
# (source, path, options, parameters) -> the source's name.
Choose = Callable[[str, str, ReadOptions, Mapping[str, Any]], str]


class StoppedError(RetryableError):
    """Whoever asked went away, or the service stops: nothing was made."""


class Origin(StrEnum):
    """Where the bytes come from."""

    IMPORT = "import"
    STREAM = "stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestJob:
    """A file to make a dataset of.

    Args:
        name: of the dataset.
        source: the name of what reads the file.
        origin: where the bytes come from.
        path: under the import folder; of a streamed file its bare name.
        options: how a series is read.
        parameters: what the caller chose of a source for another kind, JSON values by name.
    """

    name: str
    source: str
    origin: Origin
    path: str
    options: ReadOptions
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def file_name(self) -> str:
        """The file's name without its folder."""
        return PurePosixPath(self.path).name

    @property
    def place(self) -> str:
        """Where the bytes come from, for people: `import:pumps/7.csv`, `stream:7.csv`."""
        return f"{self.origin}:{self.path}"

    def to_json(self) -> dict[str, Any]:
        """As it is recorded."""
        options = asdict(self.options)
        # A job without parameters is recorded as it was before there were any: a request sent again is the same one.
        chosen = {"parameters": dict(self.parameters)} if self.parameters else {}
        return {
            **chosen,
            "name": self.name,
            "source": self.source,
            "origin": str(self.origin),
            "path": self.path,
            "options": {**options, "channels": list(options["channels"])},
        }


def job_from_json(record: Mapping[str, Any]) -> IngestJob:
    """A job as it was recorded."""
    return IngestJob(
        name=record["name"],
        source=record["source"],
        origin=Origin(record["origin"]),
        path=record["path"],
        options=read_options(**record["options"]),
        parameters=record.get("parameters", {}),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a caller asks for, unchecked; fields as in a job, and `options` are what `read_options` takes."""

    name: str
    source: str
    path: str
    options: Mapping[str, Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)


def checked_job(request: Request, origin: Origin, choose: Choose) -> IngestJob:
    """The job, or InvalidInputError naming the wrong fields; `choose` is that of the `FileReader` port."""
    check_name("name", request.name)
    if origin is Origin.STREAM:
        _check_file_name(request.path)
    options = read_options(**request.options)
    return IngestJob(
        name=request.name,
        source=choose(request.source, request.path, options, request.parameters),
        origin=origin,
        path=request.path,
        options=options,
        parameters=request.parameters,
    )


def _check_file_name(name: str) -> None:
    if not name or len(name) > MAX_FILE_NAME or set(name) & set("/\\") or not name.isprintable():
        reason = f"{name[:MAX_FILE_NAME]!r} is no file name: give the bare name, such as 'pump-7.csv'"
        raise InvalidInputError.of("file_name", reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Produced:
    """The dataset that a job made: the digest is that of its manifest."""

    name: str
    kind: str
    digest: str
    rows: int
    channels: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As it is recorded."""
        return {
            "name": self.name,
            "kind": self.kind,
            "digest": self.digest,
            "rows": self.rows,
            "channels": list(self.channels),
        }

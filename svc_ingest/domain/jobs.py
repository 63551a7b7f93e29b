"""Ingest jobs: what was asked for, what came of it, and how both are recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any

from shared.contracts.names import check_name
from shared.errors import InvalidInputError, RetryableError
from svc_ingest.domain.options import ReadOptions
from svc_ingest.domain.read_options import read_options

MAX_FILE_NAME = 255


class StoppedError(RetryableError):
    """Whoever asked went away, or the service stops: nothing was made."""


class Origin(StrEnum):
    """Where the bytes come from."""

    IMPORT = "import"
    STREAM = "stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestJob:
    """A file to make a dataset of. `path` lies under the import folder; of a streamed file it is its bare name."""

    name: str
    source: str
    origin: Origin
    path: str
    options: ReadOptions

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
        return {
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
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a caller asks for, unchecked. `path` and `source` as in a job; `options` are what `read_options` takes."""

    name: str
    source: str
    path: str
    options: Mapping[str, Any]


def checked_job(request: Request, origin: Origin, source_name: Callable[[str, str], str]) -> IngestJob:
    """The job, or InvalidInputError naming the wrong fields; `source_name` says which source reads the path."""
    check_name("name", request.name)
    if origin is Origin.STREAM:
        _check_file_name(request.path)
    return IngestJob(
        name=request.name,
        source=source_name(request.source, request.path),
        origin=origin,
        path=request.path,
        options=read_options(**request.options),
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

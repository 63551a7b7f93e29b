"""Profiles of tools: a zip of `tools.json` and `profile.csv`, into `profile/v1`; see docs/planner.md."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from shared.contracts.kinds import Kind
from shared.errors import InvalidInputError
from shared.planning.profile import TOOLS_FILE, Profile, write_profile
from svc_ingest.domain.made import Made
from svc_ingest.sources.base import NoParameters
from svc_ingest.sources.profile_rows import read_rows
from svc_ingest.sources.profile_tools import tools_of
from svc_ingest.sources.zips import DAMAGED, check_packing

CSV_FILE = "profile.csv"
MEMBERS = (TOOLS_FILE, CSV_FILE)
MAX_TOOLS_BYTES = 4 * 2**20
MAX_CSV_BYTES = 64 * 2**20


class ProfileSource:
    """See `DatasetSource`. Rows keep their order: a row's number is the config_id, a tool's place is the tool_id."""

    name = "profile"
    summary = "Tools and what each of their configurations costs, as a zip of tools.json and profile.csv."
    suffixes = (".profile.zip", ".zip")
    kind = Kind.PROFILE
    parameters = NoParameters

    def make(
        self,
        path: Path,
        parameters: NoParameters,  # noqa: ARG002 - there are none
        folder: Path,
        must_stop: Callable[[], bool],
    ) -> Made:
        """See `DatasetSource.make`."""
        profile = read_archive(path, must_stop)
        rows = len(profile.numbers)
        meta = {"rows": rows, "tools": len(profile.tools), "configurations": rows}
        return Made(kind=self.kind, files=write_profile(profile, folder), meta=meta, rows=rows)


SOURCE = ProfileSource()


def read_archive(path: Path, must_stop: Callable[[], bool]) -> Profile:
    """The profile in a zip.

    Raises:
        InvalidInputError: naming the member and the line or item that is wrong.
        StoppedError: `must_stop` said so.
    """
    with _opened(path) as archive:
        with _member(archive, TOOLS_FILE, MAX_TOOLS_BYTES) as stream:
            tools = tools_of(_json(stream))
        with _member(archive, CSV_FILE, MAX_CSV_BYTES) as stream:
            text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
            return read_rows(text, tools, must_stop)


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(archive.namelist())
            if names != sorted(MEMBERS):
                found = ", ".join(names[:10]) or "nothing"
                raise InvalidInputError.of(
                    "file", f"must hold {' and '.join(MEMBERS)} and nothing else, but has {found}"
                )
            check_packing(archive)
            yield archive
    except DAMAGED as error:
        reason = f"is no zip archive that can be read ({error}): put {' and '.join(MEMBERS)} into a plain zip"
        raise InvalidInputError.of("file", reason) from error


@contextmanager
def _member(archive: zipfile.ZipFile, name: str, max_bytes: int) -> Iterator[IO[bytes]]:
    # What the archive says of the size may be a lie, so bytes are counted as they are unpacked.
    with archive.open(name) as packed, io.BufferedReader(_Limited(packed, name, max_bytes)) as stream:
        try:
            yield stream
        except UnicodeDecodeError as error:
            byte = f"{error.object[error.start]:#04x}"
            reason = f"{name}: byte {byte} is not text in utf-8: save it as UTF-8"
            raise InvalidInputError.of("file", reason) from error


class _Limited(io.RawIOBase):
    """The bytes of a member, and an error where there are more of them than it may have."""

    def __init__(self, stream: IO[bytes], name: str, max_bytes: int) -> None:
        self._stream = stream
        self._name = name
        self._left = max_bytes
        self._max = max_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise InvalidInputError.of("file", f"{self._name}: has more than {self._max} bytes unpacked")
        buffer[: len(data)] = data
        return len(data)


def _json(stream: IO[bytes]) -> Any:
    try:
        return json.loads(stream.read().decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise InvalidInputError.of("file", f"{TOOLS_FILE} line {error.lineno}: is no JSON: {error.msg}") from error
    except RecursionError as error:
        raise InvalidInputError.of("file", f"{TOOLS_FILE}: is nested too deeply") from error
    except UnicodeDecodeError:
        raise
    except ValueError as error:
        # Python reads no whole number of more than some thousand digits.
        raise InvalidInputError.of("file", f"{TOOLS_FILE}: holds a number that is too long: {error}") from error

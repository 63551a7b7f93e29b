"""Stand-ins for the disk-bound halves of svc_ingest."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared.contracts.kinds import Kind
from shared.contracts.series import SEGMENTS_FILE, SERIES_FILE
from shared.errors import InvalidInputError
from svc_ingest.domain.jobs import IngestJob, StoppedError
from svc_ingest.domain.made import Made
from svc_ingest.domain.options import ReadOptions
from svc_ingest.domain.tables import Cells
from svc_ingest.sources.preview import Preview


class FakeReader:
    """Takes any text: each line is a row, and `bad` in a line is an error. `gate` holds it up until it is set."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.reading = threading.Event()
        self.on_read: Callable[[Path], None] = lambda path: None

    def choose(self, source: str, path: str, options: ReadOptions, parameters: Mapping[str, Any]) -> str:
        if source not in {"", "csv"}:
            raise InvalidInputError.of("source", f"{source!r} is not one of: csv")
        return "csv"

    def make(self, job: IngestJob, path: Path, folder: Path, must_stop: Callable[[], bool]) -> Made:
        lines = path.read_text().splitlines()
        self.reading.set()
        while not self.gate.wait(0.01):
            if must_stop():
                raise StoppedError("stopped while the file was read")
        self.on_read(path)
        for number, line in enumerate(lines, start=1):
            if "bad" in line:
                raise InvalidInputError.of("file", f"line {number}: is bad")
        (folder / SERIES_FILE).write_text("\n".join(lines))
        return Made(
            kind=Kind.SERIES,
            files={SERIES_FILE: folder / SERIES_FILE},
            meta={"rows": len(lines)},
            rows=len(lines),
            channels=("a",),
        )

    def preview(self, path: Path, *, channels: Sequence[str], start_row: int, end_row: int, buckets: int) -> Preview:
        return Preview(rows=len(path.read_text().splitlines()), time="index", channels={})

    @property
    def tables(self) -> Mapping[str, Sequence[str]]:
        return {Kind.SEGMENTS: (SEGMENTS_FILE,)}

    def cells(self, kind: str, files: Mapping[str, Path], *, start_row: int, count: int) -> Cells:
        lines = files[self.tables[kind][0]].read_text().splitlines()
        return Cells(columns=("line",), rows=[(line,) for line in lines[start_row : start_row + count]])

    def indices(self, folder: Path) -> Path:
        return folder / SERIES_FILE


class FakeScratch:
    """Folders under one root; what is left in it is what was not cleaned up."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()

    @contextmanager
    def folder(self) -> Iterator[Path]:
        folder = self.root / f"work-{len(list(self.root.iterdir()))}"
        folder.mkdir()
        try:
            yield folder
        finally:
            for file in folder.iterdir():
                file.unlink()
            folder.rmdir()

    def spool(self) -> FakeSpool:
        return FakeSpool(self.root / "upload")


class FakeSpool:
    """Holds what was written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size_bytes = 0
        path.write_bytes(b"")

    def write(self, chunk: bytes) -> None:
        self.size_bytes += len(chunk)
        with self.path.open("ab") as file:
            file.write(chunk)

    def close(self) -> str:
        return "0" * 64

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)

"""A file goes in, a series or one clear error comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.errors import InvalidInputError
from svc_ingest.domain.read_options import read_options
from svc_ingest.domain.series import SeriesFacts
from svc_ingest.sources import lines
from svc_ingest.sources.base import find_source
from svc_ingest.sources.series import make_series


@dataclass(frozen=True)
class Made:
    """What came out: the facts, the file, and its columns as plain lists (times as int64)."""

    facts: SeriesFacts
    path: Path

    def columns(self) -> dict[str, list[Any]]:
        table = pq.read_table(self.path)
        return {
            name: (column.cast(pa.int64()) if name == "time" else column).to_pylist()
            for name, column in zip(table.column_names, table.columns, strict=True)
        }


Ingest = Callable[..., Made]


@pytest.fixture
def ingest(tmp_path_factory: pytest.TempPathFactory) -> Ingest:
    """`ingest(content, **options)`: CSV text or bytes, or an Arrow table that goes in as Parquet."""

    def made(content: str | bytes | pa.Table, **options: Any) -> Made:
        folder = tmp_path_factory.mktemp("ingest")
        source = "csv"
        path = folder / "input"
        if isinstance(content, pa.Table):
            source = "parquet"
            pq.write_table(content, path)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        try:
            facts = make_series(find_source(source), path, read_options(**options), folder)
        finally:
            left = sorted(item.name for item in folder.iterdir())
            assert left in (["input"], ["input", "series.parquet"])
        return Made(facts=facts, path=folder / "series.parquet")

    return made


@pytest.fixture
def refused(ingest: Ingest) -> Callable[..., str]:
    """The message of the one error that a file causes, which leaves no series behind."""

    def message(content: str | bytes | pa.Table, **options: Any) -> str:
        with pytest.raises(InvalidInputError) as caught:
            ingest(content, **options)
        assert len(caught.value.violations) == 1
        return str(caught.value)

    return message


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read a few lines at a time, as large ones are."""
    monkeypatch.setattr(lines, "BLOCK_BYTES", 100)

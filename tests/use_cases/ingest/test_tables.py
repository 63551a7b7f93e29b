"""Rows of stored tables, page by page."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.contracts.series import SEGMENTS_FILE
from shared.errors import InvalidInputError
from svc_ingest.adapters.series_cache import DiskSeriesCache
from svc_ingest.use_cases.tables import TablePreviews
from tests.use_cases.ingest.world import World


@pytest.fixture
def previews(world: World, tmp_path: Path) -> TablePreviews:
    cache = DiskSeriesCache(tmp_path / "cache", world.artifacts, max_bytes=10**6)
    return TablePreviews(artifacts=world.artifacts, cache=cache, reader=world.reader)


def stored(world: World, folder: Path, kind: str) -> str:
    """The digest of twelve rows."""
    path = folder / SEGMENTS_FILE
    path.write_text("\n".join(f"row {number}" for number in range(12)))
    return world.artifacts.store(kind=kind, files={path.name: path}, meta={"segment_count": 12}, parents=()).digest


@pytest.mark.parametrize(("start_row", "count", "last"), [(0, 0, 10), (3, 2, 5), (11, 100, 12)])
def test_a_page_holds_what_is_there(
    world: World, previews: TablePreviews, tmp_path: Path, *, start_row: int, count: int, last: int
) -> None:
    digest = stored(world, tmp_path, "segments/v1")
    found = previews.preview(digest, start_row=start_row, count=count)
    assert [row for (row,) in found.cells.rows] == [f"row {number}" for number in range(start_row, last)]
    assert found.rows == 12


def test_what_is_no_page_and_no_table_is_refused(world: World, previews: TablePreviews, tmp_path: Path) -> None:
    digest = stored(world, tmp_path, "segments/v1")
    for start_row, count, said in ((0, 101, "count: 101 is not between 1 and 100"), (12, 1, "start_row: 12 is not a")):
        with pytest.raises(InvalidInputError, match=said):
            previews.preview(digest, start_row=start_row, count=count)
    with pytest.raises(InvalidInputError, match="this is series/v1, not segments/v1"):
        previews.preview(stored(world, tmp_path, "series/v1"), start_row=0, count=1)

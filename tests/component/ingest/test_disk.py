"""The service's own disk: a cache that stays within its bound, and scratch space that outlives no process."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared.contracts.manifest import FileEntry
from shared.errors import IntegrityError
from shared.runtime.artifacts import Artifacts
from svc_ingest.adapters.scratch import DiskScratch
from svc_ingest.adapters.series_cache import DiskSeriesCache
from tests.component.ingest.running import CountingObjects

LEFT_BEHIND = """
import os, sys
from pathlib import Path
from svc_ingest.adapters.scratch import DiskScratch
scratch = DiskScratch(Path(sys.argv[1]))
scratch.spool().write(b"half a file")
print(scratch.own, flush=True)
if sys.argv[2] == "crash":
    os._exit(9)
"""


def stored(artifacts: Artifacts, folder: Path, content: str) -> FileEntry:
    file = folder / "series.parquet"
    file.write_text(content)
    return artifacts.store(kind="series/v1", files={file.name: file}, meta={}, parents=[]).files[0]


@pytest.fixture
def objects(tmp_path: Path) -> CountingObjects:
    return CountingObjects(tmp_path / "objects")


def test_the_least_recently_used_goes_first(objects: CountingObjects, tmp_path: Path) -> None:
    artifacts = Artifacts(objects)
    one, two, three = (stored(artifacts, tmp_path, letter * 40) for letter in "abc")
    cache = DiskSeriesCache(tmp_path / "cache", artifacts, max_bytes=100)
    for entry in (one, two, one, three):
        with cache.file(entry) as path:
            assert path.stat().st_size == 40
    assert {path.name for path in (tmp_path / "cache").iterdir()} == {one.sha256, three.sha256}
    assert objects.downloads == 3


def test_a_file_in_use_stays_and_goes_afterwards(objects: CountingObjects, tmp_path: Path) -> None:
    artifacts = Artifacts(objects)
    one, two = (stored(artifacts, tmp_path, letter * 40) for letter in "ab")
    cache = DiskSeriesCache(tmp_path / "cache", artifacts, max_bytes=0)
    with cache.file(one) as path:
        with cache.file(two):
            pass
        assert path.read_text() == "a" * 40
    assert list((tmp_path / "cache").iterdir()) == []


def test_many_askers_of_few_files(objects: CountingObjects, tmp_path: Path) -> None:
    artifacts = Artifacts(objects)
    entries = [stored(artifacts, tmp_path, letter * 40) for letter in "abcd"]
    cache = DiskSeriesCache(tmp_path / "cache", artifacts, max_bytes=80)
    together = threading.Barrier(8)

    def ask(worker: int) -> None:
        together.wait()
        for turn in range(50):
            entry = entries[(worker + turn * 3) % 4]
            with cache.file(entry) as path:
                assert len(path.read_text()) == 40

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(8)))
    assert len(list((tmp_path / "cache").iterdir())) <= 2


def test_a_missing_file_leaves_no_trace(objects: CountingObjects, tmp_path: Path) -> None:
    entry = FileEntry(path="series.parquet", sha256="0" * 64, size_bytes=1, media_type="")
    cache = DiskSeriesCache(tmp_path / "cache", Artifacts(objects), max_bytes=100)
    for _ in range(2):
        with pytest.raises(IntegrityError), cache.file(entry):
            pass
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("end", ["crash", "well"])
def test_scratch_of_a_process_that_is_gone_is_removed(tmp_path: Path, end: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LEFT_BEHIND, str(tmp_path), end], capture_output=True, text=True, check=False
    )
    left = Path(ended.stdout.strip())
    assert left.parent == tmp_path, ended.stderr
    assert left.exists() == (end == "crash")
    DiskScratch(tmp_path)
    assert not left.exists()


def test_scratch_of_a_living_neighbour_stays(tmp_path: Path) -> None:
    mine = DiskScratch(tmp_path)
    spool = mine.spool()
    spool.write(b"half")
    theirs = DiskScratch(tmp_path)
    assert mine.own != theirs.own
    assert spool.path.exists()
    spool.discard()
    spool.discard()
    assert not spool.path.exists()

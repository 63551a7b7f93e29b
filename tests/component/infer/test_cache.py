"""The cache on disk and its bound."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from shared.contracts.kinds import Kind
from shared.runtime.artifacts import Artifacts, file_digest
from shared.runtime.object_store import FolderObjectStore
from svc_infer.adapters import cache as caching
from svc_infer.adapters.cache import KEPT_S, ArtifactCache
from tests.unit.infer.fakes import FakeClock


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    return Artifacts(FolderObjectStore(tmp_path / "objects"))


def stored(artifacts: Artifacts, tmp_path: Path, name: str) -> str:
    """The digest of a bundle of 1000 bytes."""
    path = tmp_path / name
    path.write_bytes(name.encode() * (1000 // len(name)))
    return artifacts.store(kind=Kind.BUNDLE, files={"model.safetensors": path}, meta={}, parents=()).digest


def test_what_was_used_longest_ago_makes_room(artifacts, tmp_path):
    clock = FakeClock()
    cache = ArtifactCache(artifacts, tmp_path / "cache", max_bytes=2500, clock=clock)
    a, b, c = (stored(artifacts, tmp_path, name) for name in ("aa", "bb", "cc"))
    for digest in (a, b, a, c):
        clock.now += KEPT_S
        cache.folder(digest, kind=Kind.BUNDLE)
    assert {folder.name for folder in (tmp_path / "cache").iterdir()} == {a, c}
    assert (cache.folder(b, kind=Kind.BUNDLE) / "model.safetensors").read_bytes() == b"bb" * 500


def test_what_was_just_used_stays_however_little_room_there_is(artifacts, tmp_path):
    clock = FakeClock()
    cache = ArtifactCache(artifacts, tmp_path / "cache", max_bytes=10, clock=clock)
    digests = {stored(artifacts, tmp_path, name) for name in ("aa", "bb")}
    for digest in digests:
        clock.now += KEPT_S / 3
        cache.folder(digest, kind=Kind.BUNDLE)
    assert {folder.name for folder in (tmp_path / "cache").iterdir()} == digests


def test_what_a_killed_fetch_left_goes_as_well(artifacts, tmp_path):
    clock = FakeClock()
    cache = ArtifactCache(artifacts, tmp_path / "cache", max_bytes=1500, clock=clock)
    first = cache.folder(stored(artifacts, tmp_path, "aa"), kind=Kind.BUNDLE)
    left = first.parent / ".partial-x"
    left.mkdir()
    (left / "model").write_bytes(b"x" * 1000)
    os.utime(left, (0, 0))
    clock.now += KEPT_S
    cache.folder(first.name, kind=Kind.BUNDLE)
    assert not left.exists()
    assert first.exists()


@pytest.fixture
def hashed(monkeypatch) -> list[Path]:
    """The files that were read to verify them."""
    files: list[Path] = []

    def counted(path: Path) -> str:
        files.append(path)
        return file_digest(path)

    monkeypatch.setattr(caching, "file_digest", counted)
    return files


def test_a_file_that_nobody_changed_is_verified_once(artifacts, tmp_path, hashed):
    digest = stored(artifacts, tmp_path, "aa")
    ArtifactCache(artifacts, tmp_path / "cache").folder(digest, kind=Kind.BUNDLE)
    assert hashed == [], "what was fetched was verified on its way"
    cache = ArtifactCache(artifacts, tmp_path / "cache")  # a new process knows nothing of that
    for _ in range(3):
        folder = cache.folder(digest, kind=Kind.BUNDLE)
        assert hashed == [folder / "model.safetensors"]
        shutil.rmtree(tmp_path / "objects", ignore_errors=True)  # nothing is asked of the store either


@pytest.mark.parametrize("change", ["written", "replaced", "removed", "moved back in time"])
def test_a_file_that_somebody_changed_is_verified_again(artifacts, tmp_path, hashed, change):
    digest = stored(artifacts, tmp_path, "aa")
    cache = ArtifactCache(artifacts, tmp_path / "cache")
    path = cache.folder(digest, kind=Kind.BUNDLE) / "model.safetensors"
    before = path.stat()
    time.sleep(0.02)  # the kernel tells times in steps of some milliseconds
    if change == "removed":
        path.unlink()
    elif change == "replaced":
        (tmp_path / "other").write_bytes(b"x" * 1000)
        (tmp_path / "other").replace(path)
    else:
        path.write_bytes(b"x" * 1000)
    if change == "moved back in time":
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    for _ in range(2):
        assert (cache.folder(digest, kind=Kind.BUNDLE) / "model.safetensors").read_bytes() == b"aa" * 500
    assert len(hashed) == (change != "removed")


def test_what_is_remembered_is_bounded(artifacts, tmp_path, hashed, monkeypatch):
    monkeypatch.setattr(caching, "REMEMBERED", 2)
    digests = [stored(artifacts, tmp_path, name) for name in ("aa", "bb", "cc")]
    cache = ArtifactCache(artifacts, tmp_path / "cache")
    for digest in (*digests, digests[1], digests[2]):
        cache.folder(digest, kind=Kind.BUNDLE)
    assert hashed == []
    cache.folder(digests[0], kind=Kind.BUNDLE)
    assert [path.parent.name for path in hashed] == [digests[0]]

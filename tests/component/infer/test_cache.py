"""The cache on disk and its bound."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shared.contracts.kinds import Kind
from shared.runtime.artifacts import Artifacts
from shared.runtime.object_store import FolderObjectStore
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

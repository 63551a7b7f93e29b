"""The `ArtifactStore` port over each object store: nothing damaged is ever handed out."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.contracts.manifest import FileEntry, Manifest
from shared.errors import IntegrityError, InvalidInputError, NotFoundError
from shared.ports import ObjectStore
from shared.runtime.artifacts import YOUNG, Artifacts, blob_key, manifest_key
from shared.runtime.object_store import FolderObjectStore, object_store_for
from tests.contract.settings import s3_settings

pytestmark = pytest.mark.connected


@pytest.fixture(params=["folder", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ObjectStore]:
    if request.param == "folder":
        yield FolderObjectStore(tmp_path / "objects")
        return
    store = object_store_for(s3_settings(request.getfixturevalue("servers")))
    store.ensure_bucket()
    yield store


@pytest.fixture
def artifacts(objects: ObjectStore) -> Artifacts:
    return Artifacts(objects)


def stored(artifacts: Artifacts, folder: Path, **contents: str) -> Manifest:
    """A version of two files: `first` and `sub/second.json`."""
    folder.mkdir(exist_ok=True)
    files = {"first": folder / "first", "sub/second.json": folder / "second"}
    files["first"].write_text(contents.get("first", "one"))
    files["sub/second.json"].write_text(contents.get("second", "two"))
    return artifacts.store(kind="series/v1", files=files, meta={"rows": 3, "名": "泵"}, parents=["source/file:a.csv"])


def test_a_version_comes_back_whole(artifacts: Artifacts, tmp_path: Path) -> None:
    made = stored(artifacts, tmp_path / "in")
    found = artifacts.manifest(made.digest)
    assert found == made
    assert [entry.media_type for entry in found.files] == ["application/octet-stream", "application/json"]
    artifacts.fetch(found, tmp_path / "out")
    assert (tmp_path / "out" / "first").read_text() == "one"
    assert (tmp_path / "out" / "sub" / "second.json").read_text() == "two"


def test_storing_again_changes_nothing(artifacts: Artifacts, objects: ObjectStore, tmp_path: Path) -> None:
    made = stored(artifacts, tmp_path / "in")
    before = list(objects.keys(""))
    with ThreadPoolExecutor(4) as pool:
        digests = {stored(artifacts, tmp_path / f"in-{number}").digest for number in range(2)}
        digests |= set(pool.map(lambda number: stored(artifacts, tmp_path / f"t-{number}").digest, range(4)))
    assert digests == {made.digest}
    assert list(objects.keys("")) == before
    assert len(before) == 3


class Clock:
    """Stands still until it is put forward."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


def test_a_blob_that_may_soon_be_collected_is_put_again(objects: ObjectStore, tmp_path: Path) -> None:
    clock = Clock()
    artifacts = Artifacts(objects, now=clock)
    made = stored(artifacts, tmp_path / "in")
    key = blob_key(made.file("first").sha256)
    objects.put_bytes(key, b"bad")
    clock.now += YOUNG - timedelta(minutes=1)
    stored(artifacts, tmp_path / "in")
    assert objects.get_bytes(key, max_bytes=3) == b"bad", "a young one is counted on"
    clock.now += timedelta(minutes=2)
    stored(artifacts, tmp_path / "in")
    assert objects.get_bytes(key, max_bytes=3) == b"one"


def test_a_blob_of_another_size_is_mended_at_once(artifacts: Artifacts, objects: ObjectStore, tmp_path: Path) -> None:
    made = stored(artifacts, tmp_path / "in")
    objects.put_bytes(blob_key(made.file("first").sha256), b"cut of")
    stored(artifacts, tmp_path / "in")
    artifacts.fetch(made, tmp_path / "out")


def test_other_content_is_another_version(artifacts: Artifacts, tmp_path: Path) -> None:
    assert stored(artifacts, tmp_path / "in").digest != stored(artifacts, tmp_path / "in", second="2").digest


def test_a_flipped_byte_is_refused_and_the_file_removed(
    artifacts: Artifacts, objects: ObjectStore, tmp_path: Path
) -> None:
    made = stored(artifacts, tmp_path / "in")
    objects.put_bytes(blob_key(made.file("first").sha256), b"onf")
    with pytest.raises(IntegrityError, match=r"first is damaged: its digest is [0-9a-f]{12}, the manifest says"):
        artifacts.fetch(made, tmp_path / "out")
    assert not (tmp_path / "out" / "first").exists()


def test_a_missing_file_is_refused(artifacts: Artifacts, tmp_path: Path) -> None:
    made = stored(artifacts, tmp_path / "in")
    lost = Manifest(kind=made.kind, files=(made.files[0], missing_of(made)), meta=made.meta, parents=made.parents)
    with pytest.raises(IntegrityError, match=r"sub/second\.json: the file 000000000000 is missing"):
        artifacts.fetch(lost, tmp_path / "out")


def missing_of(manifest: Manifest) -> FileEntry:
    entry = manifest.file("sub/second.json")
    return FileEntry(path=entry.path, sha256="0" * 64, size_bytes=entry.size_bytes, media_type=entry.media_type)


def test_a_manifest_that_is_not_there(artifacts: Artifacts) -> None:
    with pytest.raises(NotFoundError, match="There is no manifest 000000000000 in the object store"):
        artifacts.manifest("0" * 64)


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff\xfe", b"flipped"])
def test_a_damaged_manifest_is_refused(
    artifacts: Artifacts, objects: ObjectStore, tmp_path: Path, damage: bytes
) -> None:
    made = stored(artifacts, tmp_path / "in")
    body = made.to_bytes()
    objects.put_bytes(
        manifest_key(made.digest), body.replace(b'"rows":3', b'"rows":4') if damage == b"flipped" else damage
    )
    with pytest.raises(IntegrityError, match=f"Manifest {made.digest[:12]} is damaged"):
        artifacts.manifest(made.digest)


@pytest.mark.parametrize("path", ["../escape", "/etc/x", "a/../b", "", ".", "a//b"])
def test_paths_that_leave_the_version_are_refused(artifacts: Artifacts, tmp_path: Path, path: str) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(InvalidInputError, match="not a plain relative path"):
        artifacts.store(kind="series/v1", files={path: file}, meta={}, parents=[])


def test_a_manifest_is_the_last_to_appear(artifacts: Artifacts, objects: ObjectStore, tmp_path: Path) -> None:
    files = {"a": tmp_path / "a", "b": tmp_path / "missing"}
    files["a"].write_text("x")
    with pytest.raises(FileNotFoundError):
        artifacts.store(kind="series/v1", files=files, meta={}, parents=[])
    assert list(objects.keys("manifests/")) == []

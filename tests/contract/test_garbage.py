"""Collecting garbage on each object store, by a clock that the tests put forward."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.contracts.canonical import sha256_hex
from shared.contracts.manifest import Manifest
from shared.errors import IntegrityError
from shared.ports import ObjectStore
from shared.runtime.artifacts import Artifacts, blob_key, manifest_key
from shared.runtime.object_store import FolderObjectStore, object_store_for
from shared.runtime.presign import Signer
from svc_registry.adapters.blobs import ObjectBlobs
from svc_registry.domain.artifacts import GARBAGE_AFTER
from svc_registry.use_cases.collecting import collect_garbage
from tests.contract.settings import s3_settings

pytestmark = pytest.mark.connected
SIGNER = Signer(endpoint="http://127.0.0.1", bucket="b", region="r", access_key="a", secret_key="s")


class Bucket:
    """A bucket with one version in it, and a time of day."""

    def __init__(self, objects: ObjectStore, folder: Path) -> None:
        self.objects = objects
        self.now = datetime.now(UTC)
        self.artifacts = Artifacts(objects, now=lambda: self.now)
        self.blobs = ObjectBlobs(
            objects, SIGNER, lasts=timedelta(hours=1), check_uploads=lambda: None, now=lambda: self.now
        )
        self._folder = folder
        self.kept = self.store("kept")

    def store(self, content: str) -> Manifest:
        path = self._folder / "file"
        path.write_text(content)
        return self.artifacts.store(kind="series/v1", files={"f": path}, meta={"of": content}, parents=())

    def stray(self, content: str) -> str:
        """A blob whose manifest never came."""
        digest = sha256_hex(content.encode())
        self.objects.put_bytes(blob_key(digest), content.encode())
        return digest

    def collect(self, *, delete: bool = True) -> list[str]:
        found = collect_garbage(self.artifacts, self.blobs, now=lambda: self.now, delete=delete)
        return [blob.digest for blob in found]


@pytest.fixture(params=["folder", "s3"])
def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bucket]:
    if request.param == "folder":
        yield Bucket(FolderObjectStore(tmp_path / "objects"), tmp_path)
        return
    store = object_store_for(s3_settings(request.getfixturevalue("servers")))
    store.ensure_bucket()
    yield Bucket(store, tmp_path)


def test_only_old_blobs_that_no_manifest_lists_go(bucket: Bucket) -> None:
    stray = bucket.stray("stray")
    others = ("runs/r-1/1/checkpoint", "blobs/sha256/readme", "blobs/other")
    for key in others:
        bucket.objects.put_bytes(key, b"x")
    assert bucket.collect() == []
    bucket.now += GARBAGE_AFTER + timedelta(minutes=1)
    assert bucket.collect(delete=False) == [stray]
    assert bucket.objects.exists(blob_key(stray)), "a dry run deletes nothing"
    assert bucket.collect() == [stray]
    assert not bucket.objects.exists(blob_key(stray))
    assert all(map(bucket.objects.exists, others))
    assert bucket.objects.exists(blob_key(bucket.kept.files[0].sha256))
    assert bucket.collect() == []


def test_a_writer_who_counts_on_a_blob_and_is_slow_loses_nothing(bucket: Bucket) -> None:
    """Twelve hours old when the writer comes, and collected at the worst moment before the manifest is there."""
    digest = bucket.stray("shared")
    bucket.now += timedelta(hours=11, minutes=50)
    assert bucket.blobs.stands(digest, 6), "the writer counts on it and does not put it"
    bucket.now += timedelta(hours=12)
    assert bucket.collect() == [], "it is not a day old yet, and the writer has had half a day"
    bucket.now += timedelta(hours=1)
    assert not bucket.blobs.stands(digest, 6), "a writer who comes now puts it again"


def test_a_blob_that_was_put_again_while_the_list_was_made_stays(bucket: Bucket) -> None:
    old, again = sorted((bucket.stray("old"), bucket.stray("put again")))
    bucket.now += GARBAGE_AFTER + timedelta(minutes=1)
    collecting = collect_garbage(bucket.artifacts, bucket.blobs, now=lambda: bucket.now, delete=True)
    assert next(collecting).digest == old
    # By the clock of the test the second one is young from here on.
    bucket.now -= timedelta(hours=2)
    assert list(collecting) == []
    assert bucket.objects.exists(blob_key(again))


def test_a_manifest_that_cannot_be_read_stops_everything(bucket: Bucket) -> None:
    stray = bucket.stray("stray")
    bucket.objects.put_bytes(manifest_key(bucket.kept.digest), b"{}")
    bucket.now += GARBAGE_AFTER + timedelta(minutes=1)
    with pytest.raises(IntegrityError, match="nothing is deleted until"):
        bucket.collect()
    assert bucket.objects.exists(blob_key(stray))

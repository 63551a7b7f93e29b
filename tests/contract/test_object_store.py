"""The `ObjectStore` port: one suite for the folder and for S3."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from shared.errors import IntegrityError, NotFoundError, UnavailableError
from shared.ports import ObjectStore
from shared.runtime.object_store import PART_BYTES, FolderObjectStore, S3ObjectStore, object_store_for
from tests.contract.settings import s3_settings
from tests.support.servers import Servers, wait_until
from upwell.local.ports import choose_ports

pytestmark = pytest.mark.connected

# Says when it begins, and is killed before it is done.
PUT_AND_SAY = """
import sys
from pathlib import Path
from pydantic import SecretStr
from shared.runtime.object_store import FolderObjectStore, object_store_for
from shared.runtime.settings import ServiceSettings
kind, place, access, secret, bucket, key, file = sys.argv[1:]
if kind == "folder":
    store = FolderObjectStore(Path(place))
else:
    keys = {"s3_access_key": access, "s3_secret_key": SecretStr(secret)}
    settings = ServiceSettings(s3_endpoint=place, s3_bucket=bucket, **keys)
    store = object_store_for(settings)
print("begun", flush=True)
store.put_file(key, Path(file))
print("done", flush=True)
"""
LARGE_BYTES = 192 * 2**20


@dataclass
class Place:
    """A store, and how another process reaches it."""

    store: ObjectStore
    arguments: tuple[str, ...]


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "folder":
        root = tmp_path / "objects"
        yield Place(FolderObjectStore(root), ("folder", str(root), "", "", ""))
        return
    settings = s3_settings(request.getfixturevalue("servers"))
    store = object_store_for(settings)
    store.ensure_bucket()
    secret = settings.s3_secret_key.get_secret_value()
    yield Place(store, ("s3", settings.s3_endpoint, settings.s3_access_key, secret, settings.s3_bucket))


@pytest.fixture
def store(place: Place) -> ObjectStore:
    return place.store


@pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 100], ids=["empty", "one byte", "some"])
def test_bytes_come_back(store: ObjectStore, data: bytes) -> None:
    store.put_bytes("a/b.bin", data)
    assert store.get_bytes("a/b.bin", max_bytes=len(data)) == data
    assert store.exists("a/b.bin")


@pytest.mark.parametrize("size", [0, 10, PART_BYTES, 2 * PART_BYTES + 7])
def test_files_come_back(store: ObjectStore, tmp_path: Path, size: int) -> None:
    data = (bytes(range(251)) * (size // 251 + 1))[:size]
    (tmp_path / "in").write_bytes(data)
    store.put_file("blobs/file", tmp_path / "in")
    store.get_file("blobs/file", tmp_path / "new" / "out")
    assert (tmp_path / "new" / "out").read_bytes() == data


def test_what_is_missing(store: ObjectStore, tmp_path: Path) -> None:
    store.put_bytes("a/b", b"x")
    for key in ("nothing", "a", "a/b/c"):
        assert not store.exists(key), key
        with pytest.raises(NotFoundError, match="The object store has no"):
            store.get_bytes(key, max_bytes=10)
        with pytest.raises(NotFoundError):
            store.get_file(key, tmp_path / "out")
        assert not (tmp_path / "out").exists()


def test_a_file_that_is_not_there_is_not_put(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        store.put_file("key", tmp_path / "missing")
    assert not store.exists("key")


def test_more_than_was_asked_for_is_refused(store: ObjectStore) -> None:
    store.put_bytes("key", b"12345")
    assert store.get_bytes("key", max_bytes=5) == b"12345"
    with pytest.raises(IntegrityError, match="larger than 4 bytes"):
        store.get_bytes("key", max_bytes=4)


def test_a_second_put_replaces_the_first(store: ObjectStore, tmp_path: Path) -> None:
    store.put_bytes("key", b"a longer first value")
    store.put_bytes("key", b"second")
    assert store.get_bytes("key", max_bytes=100) == b"second"
    (tmp_path / "file").write_bytes(b"third")
    store.put_file("key", tmp_path / "file")
    assert store.get_bytes("key", max_bytes=100) == b"third"


def test_keys_come_in_order_and_by_prefix(store: ObjectStore) -> None:
    keys = [
        "blobs-old/1",
        "blobs/sha256/ab/1",
        "blobs/sha256/ab/2",
        "blobs/sha256/ac/1",
        "manifests/1.json",
        "runs/r-1/1/x",
        "z",
    ]
    for key in reversed(keys):
        store.put_bytes(key, b"x")
    # S3 servers differ in whether `blobs-old` comes before `blobs/`.
    assert sorted(store.keys("")) == sorted(keys)
    assert list(store.keys("blobs/")) == keys[1:4]
    assert list(store.keys("blobs/sha256/ab")) == keys[1:3]
    assert list(store.keys("nothing/")) == []


def test_more_keys_than_one_page(store: ObjectStore) -> None:
    keys = [f"many/{number:04}" for number in range(1100)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: store.put_bytes(key, b""), keys))
    assert list(store.keys("many/")) == keys


def test_objects_are_described_without_reading_them(store: ObjectStore) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    for number in range(3):
        store.put_bytes(f"d/{number}", b"x" * number)
    found = list(store.objects("d/"))
    assert [(one.key, one.size_bytes) for one in found] == [("d/0", 0), ("d/1", 1), ("d/2", 2)]
    assert store.stat("d/2").size_bytes == 2
    assert all(before < one.modified_at < datetime.now(UTC) + timedelta(seconds=2) for one in found)
    assert store.stat("d/1").modified_at.utcoffset() == timedelta()
    with pytest.raises(NotFoundError, match="The object store has no d"):
        store.stat("d")


def test_putting_again_makes_an_object_young(store: ObjectStore) -> None:
    store.put_bytes("key", b"x")
    first = store.stat("key").modified_at
    time.sleep(1.1)  # S3 tells whole seconds
    store.put_bytes("key", b"x")
    assert store.stat("key").modified_at > first


def test_an_object_comes_in_pieces(store: ObjectStore) -> None:
    data = bytes(range(251)) * 10_000
    store.put_bytes("key", data)
    pieces = list(store.chunks("key"))
    assert (b"".join(pieces), len(pieces) > 1) == (data, True)
    with pytest.raises(NotFoundError):
        list(store.chunks("nothing"))


def test_what_is_deleted_is_gone_and_may_be_gone_already(store: ObjectStore) -> None:
    store.put_bytes("a/b", b"x")
    for _ in range(2):
        store.delete("a/b")
    assert not store.exists("a/b")
    assert list(store.keys("a/")) == []


def test_concurrent_puts_of_one_key_leave_one_of_them_whole(store: ObjectStore) -> None:
    values = [bytes([number]) * 300_000 for number in range(8)]

    def look() -> bytes:
        return store.get_bytes("key", max_bytes=10**6)

    store.put_bytes("key", values[0])
    with ThreadPoolExecutor(8) as pool:
        puts = [pool.submit(store.put_bytes, "key", value) for value in values]
        seen = [pool.submit(look) for _ in range(20)]
        for put in puts:
            put.result()
        assert all(found.result() in values for found in seen)
    assert look() in values


def test_a_put_that_is_killed_leaves_nothing(place: Place, tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(LARGE_BYTES)
    for delay_s in (0.02, 0.1):
        key = f"blobs/{delay_s}"
        command = [sys.executable, "-c", PUT_AND_SAY, *place.arguments, key, str(large)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        time.sleep(delay_s)
        process.kill()
        said, _ = process.communicate(timeout=10)
        assert (process.returncode, said) == (-signal.SIGKILL, ""), "the put was over before the kill"
        assert not place.store.exists(key)
        assert list(place.store.keys("blobs/")) == []
    place.store.put_bytes("blobs/0.1", b"whole")
    assert place.store.get_bytes("blobs/0.1", max_bytes=5) == b"whole"


def all_calls(store: S3ObjectStore, tmp_path: Path) -> Iterator[None]:
    """Each method in turn, which must not answer."""
    (tmp_path / "file").write_bytes(b"x")
    calls = (
        store.ensure_bucket,
        lambda: store.put_bytes("key", b"x"),
        lambda: store.put_file("key", tmp_path / "file"),
        lambda: store.get_bytes("key", max_bytes=10),
        lambda: store.get_file("key", tmp_path / "out"),
        lambda: store.exists("key"),
        lambda: list(store.keys("")),
        lambda: store.stat("key"),
        lambda: list(store.objects("")),
        lambda: list(store.chunks("key")),
        lambda: store.delete("key"),
    )
    for call in calls:
        with pytest.raises(UnavailableError, match="The object store does not answer"):
            call()
        yield


def test_nobody_listens(servers: Servers, tmp_path: Path) -> None:
    (port,) = choose_ports(["closed"], {}).values()
    store = object_store_for(s3_settings(servers, s3_endpoint=f"http://127.0.0.1:{port}"))
    assert len(list(all_calls(store, tmp_path))) == 11


def test_a_store_that_goes_and_comes_back_keeps_what_it_had(servers: Servers, tmp_path: Path) -> None:
    store = object_store_for(s3_settings(servers))
    store.ensure_bucket()
    store.ensure_bucket()
    store.put_bytes("key", b"kept")
    servers.stop_server("s3")
    try:
        for _ in all_calls(store, tmp_path):
            pass
    finally:
        servers.start_server("s3")
    assert wait_until(lambda: answers(store), 20) == b"kept"


def answers(store: S3ObjectStore) -> bytes | None:
    try:
        return store.get_bytes("key", max_bytes=10)
    except UnavailableError:
        return None


def test_a_wrong_secret_is_no_empty_store(servers: Servers) -> None:
    stranger = object_store_for(s3_settings(servers, s3_secret_key=SecretStr("wrong")))
    with pytest.raises(Exception, match=r"SignatureDoesNotMatch|AccessDenied"):
        stranger.exists("key")

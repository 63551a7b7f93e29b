"""Pulling and pushing against an object store that stumbles."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from tests.unit.upwell.fake_files import sha256
from upwell.client import Upwell, transfer
from upwell.errors import ToolError

# Cut in the middle, its first piece is there already.
LARGE = bytes(range(256)) * 12_000
PIECE = transfer.CHUNK_BYTES


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(transfer, "FIRST_DELAY_S", 0.001)


@pytest.fixture
async def upwell(services):
    async with Upwell.connect(services.connection()) as client:
        yield client


class Told:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.total = self.moved = 0

    def sized(self, count: int) -> None:
        self.total = count

    def progress(self, count: int) -> None:
        with self.lock:
            self.moved += count


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("stumbles", [["503"], ["cut"], ["cut", "503", "cut"], ["403"]])
async def test_a_download_that_stumbles_arrives_whole(upwell, services, tmp_path, stumbles):
    files = {"large": LARGE, "small": b"x"}
    services.artifacts.add("m", files)
    services.objects.stumbles[sha256(LARGE)] = list(stumbles)
    told = Told()
    await upwell.artifacts.pull(tmp_path, model="m@1", progress=told.progress, sized=told.sized)
    assert contents(tmp_path) == files
    assert told.moved == told.total == len(LARGE) + 1
    halves = [f"bytes={PIECE}-"] if "cut" in stumbles else []
    assert sorted(set(services.objects.ranges)) == halves


async def test_an_object_store_that_stays_away_is_told_and_what_came_is_kept(upwell, services, tmp_path):
    services.artifacts.add("m", {"large": LARGE})
    services.objects.stumbles[sha256(LARGE)] = ["cut", *["503"] * 10]
    with pytest.raises(ToolError, match="does not answer: it answers 503"):
        await upwell.artifacts.pull(tmp_path, model="m@1")
    assert not (tmp_path / "large").exists()
    services.objects.stumbles.clear()
    await upwell.artifacts.pull(tmp_path, model="m@1")
    assert contents(tmp_path) == {"large": LARGE}
    assert services.objects.ranges[-1] == f"bytes={PIECE}-"


async def test_the_same_bytes_at_two_places_are_fetched_side_by_side(upwell, services, tmp_path):
    files = {f"{folder}/{'长' * 60}": LARGE for folder in "abcdefgh"}
    services.artifacts.add("m", files)
    await upwell.artifacts.pull(tmp_path, model="m@1")
    assert contents(tmp_path) == files


async def test_many_pages_are_one_version(upwell, services, tmp_path):
    files = {f"{number:02}": str(number).encode() for number in range(25)}
    services.artifacts.add("m", files)
    services.artifacts.page = 10
    await upwell.artifacts.pull(tmp_path, model="m:champion")
    assert contents(tmp_path) == files
    assert services.artifacts.asked == 3


@pytest.mark.parametrize("path", ["../up", "/etc/x", "a/../../b", "", "a\\b", "."])
async def test_a_manifest_that_leads_out_of_the_folder_writes_nothing(upwell, services, tmp_path, path):
    services.artifacts.add("m", {"fine": b"x", path: b"y"})
    with pytest.raises(ToolError, match="no plain relative one"):
        await upwell.artifacts.pull(tmp_path / "in", model="m")
    assert not (tmp_path / "in").exists()


async def test_a_manifest_with_other_bytes_is_refused(upwell, services, tmp_path):
    digest = services.artifacts.add("m", {"a": b"x"})
    services.objects.objects[digest] += b" "
    with pytest.raises(ToolError, match=f"manifest {digest[:12]} is damaged"):
        await upwell.artifacts.pull(tmp_path, model="m")


async def test_only_missing_bytes_are_sent_and_copies_once(upwell, services, tmp_path):
    services.objects.objects[sha256(b"known")] = b"known"
    for path, data in {"known": b"known", "new": LARGE, "copy": LARGE, ".hidden": b"no"}.items():
        (tmp_path / path).write_bytes(data)
    services.objects.stumbles[sha256(LARGE)] = ["503"]
    told = Told()
    made = await upwell.artifacts.push_dataset(
        tmp_path, name="d", kind="series/v1", meta={"rows": 2}, progress=told.progress, sized=told.sized
    )
    assert made.ref.name == "d"
    assert services.objects.asked == {sha256(LARGE): 2}
    assert services.objects.objects[sha256(LARGE)] == LARGE
    assert told.moved == told.total == 2 * len(LARGE) + 5
    (request,) = services.artifacts.finished
    assert [(file.path, file.size_bytes) for file in request.files] == [
        ("copy", len(LARGE)),
        ("known", 5),
        ("new", len(LARGE)),
    ]


async def test_a_file_that_changes_while_it_is_sent_makes_no_version(upwell, services, tmp_path):
    (tmp_path / "f").write_bytes(b"before")

    def change(_: int) -> None:
        (tmp_path / "f").write_bytes(b"afterw")

    with pytest.raises(ToolError, match="f has changed while it was uploaded"):
        await upwell.artifacts.push_model(tmp_path, name="m", sized=change)
    assert services.artifacts.finished == []


async def test_folders_that_cannot_be_pushed(upwell, tmp_path):
    with pytest.raises(ToolError, match="holds no file"):
        await upwell.artifacts.push_model(tmp_path, name="m")
    with pytest.raises(ToolError, match="is no folder"):
        await upwell.artifacts.push_model(tmp_path / "nothing", name="m")
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(ToolError, match="links are not followed"):
        await upwell.artifacts.push_model(tmp_path, name="m")
    (tmp_path / "link").unlink()
    with (tmp_path / "vast").open("wb") as file:
        file.truncate(5 * 2**30 + 1)
    with pytest.raises(ToolError, match="a file may have 5 GiB"):
        await upwell.artifacts.push_model(tmp_path, name="m")


@pytest.mark.parametrize(("changed", "laid_out"), [({"features": 2}, True), ({"rows": 2}, False)])
async def test_conversations_with_fields_are_laid_out_for_other_tools(upwell, services, tmp_path, changed, laid_out):
    lines = b'{"id":"a","features":["features/000001.npz"]}\n{"id":"b","features":["features/000002.npz"]}\n'
    files = {"chat.jsonl": lines, "features/000001.npz": b"1", "features/000002.npz": b"2"}
    services.artifacts.add("m", files, kind="chat/v1", meta=changed)
    for _ in range(2):
        await upwell.artifacts.pull(tmp_path, dataset="m@1")
        found = contents(tmp_path)
        if laid_out:
            rows = json.loads(found.pop("geoformer_sft.json"))
            assert [(row["id"], row["features"]) for row in rows] == [
                ("a", ["features/000001.npz"]),
                ("b", ["features/000002.npz"]),
            ]
        assert found == files

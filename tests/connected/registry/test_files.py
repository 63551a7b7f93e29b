"""Files of versions between a folder and the bucket, by addresses that the registry signs."""

from __future__ import annotations

from pathlib import Path

import pytest
import urllib3

from shared.contracts.canonical import sha256_hex
from shared.runtime.artifacts import blob_key, manifest_key
from tests.connected.registry.world import World
from upwell.client.files import PARTIAL_FOLDER
from upwell.common.v1 import common_pb2 as common
from upwell.errors import ToolError, UpwellClientError
from upwell.registry.v1 import artifact_service_pb2 as pb

pytestmark = pytest.mark.connected


class Told:
    """Counts bytes as a bar does."""

    def __init__(self) -> None:
        self.total = self.moved = 0

    def sized(self, count: int) -> None:
        self.total += count

    def progress(self, count: int) -> None:
        self.moved += count


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


FILES = {"温度.json": b"{}", "deep/er/a.bin": bytes(range(256)) * 12_000, "empty": b"", "copy.json": b"{}"}


def test_a_version_is_pulled_whole(world: World, tmp_path: Path) -> None:
    world.dataset("pulled", FILES)
    told = Told()
    pulled = world.ask(
        lambda upwell: upwell.artifacts.pull(
            tmp_path / "out", dataset="pulled", progress=told.progress, sized=told.sized
        )
    )
    assert pulled == "pulled@1"
    assert contents(tmp_path / "out") == FILES
    assert told.total == told.moved == sum(map(len, FILES.values()))


def test_what_is_there_is_not_fetched_again_and_what_is_half_done_is_gone_on_with(world: World, tmp_path: Path) -> None:
    files = {**FILES, "deep/er/a.bin": bytes(range(1, 251)) * 12_000}
    made = world.dataset("resumed", files)
    large = made.file("deep/er/a.bin")
    out = tmp_path / "out"
    (out / PARTIAL_FOLDER).mkdir(parents=True)
    half = large.size_bytes // 2
    place = sha256_hex(large.path.encode())[:12]
    (out / PARTIAL_FOLDER / f"{large.sha256}-{place}").write_bytes(files[large.path][:half])
    (out / "温度.json").write_bytes(b"{}")
    (out / "mine.txt").write_text("stays")
    # Only the second half is there to be had: a download from the beginning could not succeed.
    world.objects.put_bytes(blob_key(large.sha256), bytes(half) + files[large.path][half:])
    world.ask(lambda upwell: upwell.artifacts.pull(out, dataset="resumed@1"))
    assert contents(out) == {**files, "mine.txt": b"stays"}


def test_damaged_bytes_never_appear(world: World, tmp_path: Path) -> None:
    made = world.dataset("damaged", {"good": b"good", "bad": b"bad bytes"})
    world.damage(made.file("bad").sha256)
    with pytest.raises(ToolError, match="bad is damaged in the object store"):
        world.ask(lambda upwell: upwell.artifacts.pull(tmp_path, dataset="damaged"))
    assert not (tmp_path / "bad").exists()


def test_a_version_that_is_not_there(world: World, tmp_path: Path) -> None:
    with pytest.raises(UpwellClientError, match="no dataset 'nothing'"):
        world.ask(lambda upwell: upwell.artifacts.pull(tmp_path / "out", dataset="nothing@1"))
    with pytest.raises(ToolError, match="Name one version"):
        world.ask(lambda upwell: upwell.artifacts.pull(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_what_was_pulled_can_be_pushed_and_twice_is_one_version(world: World, tmp_path: Path) -> None:
    for path, data in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    told = Told()

    def push(name: str = "pushed"):
        return world.ask(
            lambda upwell: upwell.artifacts.push_dataset(
                tmp_path,
                name=name,
                kind="series/v1",
                meta={"rows": 3, "名": "泵"},
                parents=["source/file:泵.csv"],
                progress=told.progress,
                sized=told.sized,
            )
        )

    first, again = push(), push()
    assert (first.ref.name, first.ref.version) == ("pushed", 1)
    assert first == again
    assert first.producer == f"upload/{world.servers.record.person}"
    assert told.total == told.moved == 2 * sum(map(len, FILES.values()))
    made = world.artifacts.manifest(first.ref.manifest_digest)
    assert dict(made.meta) == {"rows": 3, "名": "泵"}
    assert made.file("温度.json").media_type == "application/json"
    world.artifacts.fetch(made, tmp_path / "fetched")
    assert contents(tmp_path / "fetched") == FILES
    graph = world.ask(lambda upwell: upwell.lineage.ancestors("pushed@1"))
    assert {node.key for node in graph.nodes} >= {"source/file:泵.csv"}
    (tmp_path / "empty").write_text("changed")
    assert push().ref.version == 2


def test_the_object_store_itself_refuses_other_bytes(world: World) -> None:
    promised = sha256_hex(b"promised")

    async def start(upwell):
        request = pb.StartUploadRequest(blobs=[pb.UploadBlob(sha256=promised, size_bytes=8)])
        return await upwell.artifacts._caller.call(upwell.artifacts._stub.StartUpload, request)

    (target,) = world.ask(start).targets

    def put(body: bytes, headers: dict[str, str]) -> int:
        return urllib3.request("PUT", target.url, body=body, headers=headers, retries=False).status

    forged = dict.fromkeys(target.headers, "x" * 44)
    assert [put(b"other one", dict(target.headers)), put(b"promised", {}), put(b"promised", forged)] == [400, 403, 403]
    assert not world.objects.exists(blob_key(promised))
    assert put(b"promised", dict(target.headers)) == 200
    assert world.ask(start).targets == []
    assert urllib3.request("GET", target.url, retries=False).status == 403


def test_a_bundle_needs_its_base_and_becomes_one_version(world: World, tmp_path: Path) -> None:
    unknown = world.bundle_folder("adrift", common.BaseRef(name="lost", digest="1" * 64))
    with pytest.raises(UpwellClientError, match=r"needs the base 'lost' \(111111111111\), which is not registered"):
        world.ask(lambda upwell: upwell.artifacts.push_model(unknown, name="adrift"))
    base = world.base("tiny", {"config.json": b"{}"})
    labels = world.dataset("taught", {"l": b"labels"}, kind="segments/v1")
    folder = world.bundle_folder("found", common.BaseRef(name="tiny", digest=base.digest))

    def push():
        key = f"dataset/taught/{labels.digest}"
        return world.ask(lambda upwell: upwell.artifacts.push_model(folder, name="detector", dataset=key))

    first = push()
    assert push() == first
    assert (first.ref.version, first.recipe, dict(first.metrics)) == (1, "series-lm", {"f1": 0.5})
    assert (first.base.digest, first.dataset.name) == (base.digest, "taught")
    graph = world.ask(lambda upwell: upwell.lineage.ancestors("detector@1"))
    assert {node.label for node in graph.nodes} >= {"tiny", "taught@1"}
    pulled = tmp_path / "pulled"
    assert world.ask(lambda upwell: upwell.artifacts.pull(pulled, model="detector@1")) == "detector@1"
    assert set(contents(pulled)) == {"bundle.json", "certificate.json", "adapter.safetensors"}
    # A full model stands on its own feet.
    alone = world.bundle_folder("alone", common.BaseRef(name="lost", digest="1" * 64), method="full")
    assert world.ask(lambda upwell: upwell.artifacts.push_model(alone, name="detector")).ref.version == 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"weights.bin": b"x"}, "'weights.bin' has no place in a bundle"),
        ({"certificate.json": None}, "a bundle has a file certificate.json"),
        ({"bundle.json": b"{}"}, "has not the schema"),
        ({"bundle.json": b"[NaN]"}, "nan is no number that JSON knows"),
    ],
)
def test_a_folder_that_is_no_bundle_is_refused(world: World, tmp_path: Path, change, reason: str) -> None:
    base = common.BaseRef(name="tiny", digest=world.base("tiny", {"config.json": b"{}"}).digest)
    folder = world.bundle_folder(f"no-bundle-{sha256_hex(reason.encode())[:8]}", base)
    for path, data in change.items():
        (folder / path).write_bytes(data) if data is not None else (folder / path).unlink()
    with pytest.raises(UpwellClientError, match=reason):
        world.ask(lambda upwell: upwell.artifacts.push_model(folder, name="refused"))


def test_verifying_tells_what_is_damaged_and_missing(world: World) -> None:
    bad = world.dataset("half-rotten", {"whole": b"whole", "rotten": b"rotten", "gone": b"gone"})
    lost = world.dataset("without-manifest", {"whole": b"whole"})
    world.damage(bad.file("rotten").sha256)
    world.objects.delete(blob_key(bad.file("gone").sha256))
    world.objects.delete(manifest_key(lost.digest))

    async def verified(upwell, **chosen):
        found = [answer async for answer in upwell.artifacts.verify(**chosen)]
        states = {
            (one.reference, one.path): pb.FileState.Name(one.state).removeprefix("FILE_STATE_")
            for one in found
            if one.state != pb.FILE_STATE_WHOLE
        }
        return states, found[-1]

    states, last = world.ask(lambda upwell: verified(upwell, dataset="half-rotten"))
    assert states == {("half-rotten@1", "rotten"): "DAMAGED", ("half-rotten@1", "gone"): "MISSING"}
    assert (last.versions_done, last.versions_total, last.files_done, last.bytes_done) == (1, 1, 4, 11)
    states, last = world.ask(verified)
    assert states[("without-manifest@1", "")] == "MISSING"
    assert states[("half-rotten@1", "rotten")] == "DAMAGED"
    assert last.versions_done == last.versions_total > 2
    # Whoever has the bytes mends it by storing them again, once they are not young any more; here they are put by hand.
    world.objects.put_bytes(blob_key(bad.file("rotten").sha256), b"rotten")
    world.objects.put_bytes(blob_key(bad.file("gone").sha256), b"gone")
    world.objects.put_bytes(manifest_key(lost.digest), lost.to_bytes())
    assert world.ask(verified)[0].keys() <= {("damaged@1", "bad"), ("resumed@1", "deep/er/a.bin")}


def test_garbage_is_what_is_old_and_listed_nowhere(world: World) -> None:
    async def collected(upwell):
        return [answer async for answer in upwell.artifacts.collect_garbage()]

    world.objects.put_bytes(blob_key(sha256_hex(b"nobody's")), b"nobody's")
    (sums,) = world.ask(collected)
    assert (sums.sha256, sums.count, sums.size_bytes) == ("", 0, 0), "nothing here is a day old"


def test_meta_of_a_bundle_is_its_own(world: World) -> None:
    async def finish(upwell):
        request = pb.FinishUploadRequest(name="x", kind="bundle/v1")
        request.files.add(path="bundle.json", sha256="0" * 64, size_bytes=1)
        request.meta.update({"recipe": "other"})
        return await upwell.artifacts._caller.call(upwell.artifacts._stub.FinishUpload, request)

    with pytest.raises(UpwellClientError, match=r"bundle\.json says it") as refused:
        world.ask(finish)
    assert [violation.field for violation in refused.value.violations] == ["meta"]

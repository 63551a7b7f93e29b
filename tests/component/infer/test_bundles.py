"""Loading real bundles: what is verified, and what is refused."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from shared.contracts.canonical import canonical_json
from shared.contracts.manifest import FileEntry, Manifest
from shared.contracts.versions import BaseVersion
from shared.errors import IntegrityError, NotFoundError
from shared.modeling.bundle import LORA
from shared.modeling.series.predictor import SeriesPredictor
from shared.modeling.series.predictor import load as load_directly
from shared.modeling.series.values import SeriesInput
from shared.runtime.artifacts import Artifacts, blob_key, manifest_key
from shared.runtime.object_store import FolderObjectStore
from svc_infer.adapters.bundles import BundleLoader
from svc_infer.adapters.cache import ArtifactCache
from svc_infer.domain.chunks import Reach, Rows, chunks
from svc_infer.domain.findings import Findings
from svc_infer.domain.series import Series
from tests.component.infer.tiny import TinyModels

pytestmark = pytest.mark.heavy


class Store:
    """An object store of a test's own, beside a server's cache."""

    def __init__(self, root: Path, template: Path) -> None:
        self.root = root
        shutil.copytree(template, root / "objects", copy_function=shutil.copy)
        self.objects = FolderObjectStore(root / "objects")
        self.artifacts = Artifacts(self.objects)
        self.cache_dir = root / "cache"
        self.loader = BundleLoader(ArtifactCache(self.artifacts, self.cache_dir), device="cpu")

    def entry(self, digest: str, path: str) -> FileEntry:
        return self.artifacts.manifest(digest).file(path)

    def flip(self, digest: str, path: str) -> None:
        """Change one byte of a stored file."""
        key = blob_key(self.entry(digest, path).sha256)
        data = bytearray(self.objects.get_bytes(key, max_bytes=2**30))
        data[len(data) // 2] ^= 1
        self.objects.put_bytes(key, bytes(data))

    def remove(self, digest: str, path: str) -> None:
        (self.root / "objects" / blob_key(self.entry(digest, path).sha256)).unlink()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    models = TinyModels(root, Artifacts(FolderObjectStore(root / "objects")))
    versions = {
        "full": models.bundle("full"),
        "lora": models.bundle("lora", method=LORA),
        "elsewhere": models.bundle("elsewhere", method=LORA, base=models.other_base()),
    }
    return models, versions


@pytest.fixture
def versions(made):
    return made[1]


@pytest.fixture
def store(tmp_path, made) -> Store:
    return Store(tmp_path, made[0].root / "objects")


def wave(rows: int, channels: int = 1) -> np.ndarray:
    generator = np.random.default_rng(5)
    column = np.sin(np.arange(rows) / 9)[:, None] + generator.normal(0, 0.1, (rows, channels))
    column[rows // 2 : rows // 2 + 5] += 4
    return column


@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_version_answers_as_its_predictor_does(made, store, versions, method):
    model = store.loader.load(versions[method])
    assert model.version == versions[method]
    assert model.reach == Reach(window=64, stride=32)
    values = wave(150, 2)
    series = Series(id="a", channels=("x", "y"), values=values, times=np.arange(150) * 7 + 100)
    [answer] = model.predict([series])
    direct = load_directly(made[0].root / f"bundle-{method}", made[0].base_dir, "cpu")
    [expected] = direct.predict([SeriesInput(id="a", channels=("x", "y"), values=values)])
    np.testing.assert_allclose(answer.scores, expected.scores, atol=1e-6)
    assert answer.text == expected.text
    assert [(s.start_row, s.end_row, s.channel) for s in answer.segments] == [
        (s.start_row, s.end_row, s.channel) for s in expected.segments
    ]
    for segment in answer.segments:
        assert segment.start_time == segment.start_row * 7 + 100
        assert segment.end_time == (segment.end_row - 1) * 7 + 100


def test_chunks_of_a_long_series_score_as_the_whole_does(store, versions):
    model = store.loader.load(versions["full"])
    values = wave(1500)
    times = np.arange(1500)
    [whole] = model.predict([Series(id="", channels=("x",), values=values, times=times)])
    pieces = [Rows(channels=("x",), times=times[i : i + 400], values=values[i : i + 400]) for i in range(0, 1500, 400)]
    findings = Findings()
    scores = np.empty((1500, 1), dtype=np.float32)
    made = list(chunks(pieces, model.reach, values=300))
    assert len(made) > 3
    for chunk in made:
        series = Series(id="", channels=("x",), values=chunk.rows.values, times=chunk.rows.times)
        [answer] = model.predict([series])
        findings.add(chunk, answer)
        core = slice(chunk.core_start - chunk.start_row, chunk.core_end - chunk.start_row)
        scores[chunk.core_start : chunk.core_end] = answer.scores[core]
    np.testing.assert_allclose(scores, whole.scores, atol=1e-6)
    key = [(s.start_row, s.end_row) for s in sorted(whole.segments, key=lambda s: s.start_row)]
    assert [(s.start_row, s.end_row) for s in sorted(findings.segments, key=lambda s: s.start_row)] == key


@pytest.mark.parametrize("path", ["model.safetensors", "tokenizer.json", "bundle.json", "certificate.json"])
def test_a_flipped_byte_is_refused(store, versions, path):
    store.flip(versions["full"].bundle_digest, path)
    with pytest.raises(IntegrityError, match=f"{path} is damaged: its digest is"):
        store.loader.load(versions["full"])


@pytest.mark.parametrize("path", ["model.safetensors", "certificate.json"])
def test_a_missing_file_is_refused(store, versions, path):
    store.remove(versions["full"].bundle_digest, path)
    with pytest.raises(IntegrityError, match=rf"{path}: the file .* is missing in the object store"):
        store.loader.load(versions["full"])


def test_a_missing_bundle_is_not_found(store, versions):
    with pytest.raises(NotFoundError, match="There is no manifest eeeeeeeeeeee"):
        store.loader.load(dataclasses.replace(versions["full"], bundle_digest="e" * 64))


def test_a_flipped_byte_in_the_base_is_refused(store, versions):
    store.flip(versions["lora"].base.digest, "model.safetensors")
    with pytest.raises(IntegrityError, match=r"model\.safetensors is damaged"):
        store.loader.load(versions["lora"])


def test_a_base_that_is_not_the_one_the_adapter_was_trained_on_is_refused(store, versions):
    with pytest.raises(IntegrityError, match=r"was trained on the base 'tiny-qwen' .* has the content"):
        store.loader.load(versions["elsewhere"])


def test_a_base_that_is_not_the_one_the_registry_knows_is_refused(store, versions):
    other = BaseVersion(name="tiny-qwen", digest="0" * 64)
    with pytest.raises(
        IntegrityError, match=r"trained on the base 'tiny-qwen' .*; the registry says 'tiny-qwen' \(000"
    ):
        store.loader.load(dataclasses.replace(versions["lora"], base=other))


def test_a_dataset_is_no_bundle(store, versions):
    manifest = Manifest(kind="series/v1", files=())
    store.objects.put_bytes(manifest_key(manifest.digest), manifest.to_bytes())
    with pytest.raises(IntegrityError, match="is of the kind 'series/v1', not 'bundle/v1'"):
        store.loader.load(dataclasses.replace(versions["full"], bundle_digest=manifest.digest))


def test_a_model_that_answers_otherwise_than_it_was_certified_is_refused(store, versions, tmp_path):
    """Every digest is right, yet the certificate is of another model."""
    manifest = store.artifacts.manifest(versions["full"].bundle_digest)
    entry = manifest.file("certificate.json")
    body = json.loads(store.objects.get_bytes(blob_key(entry.sha256), max_bytes=2**20))
    for case in body["cases"]:
        case["answer"]["scores"] = [[min(1.0, score + 0.3) for score in row] for row in case["answer"]["scores"]]
    paths = {}
    for file in manifest.files:
        paths[file.path] = tmp_path / "swapped" / file.path
        store.artifacts.fetch_file(file, paths[file.path])
    paths["certificate.json"].write_bytes(canonical_json(body))
    swapped = store.artifacts.store(kind="bundle/v1", files=paths, meta={}, parents=[])
    with pytest.raises(IntegrityError, match="does not answer as it was certified"):
        store.loader.load(dataclasses.replace(versions["full"], bundle_digest=swapped.digest))


def test_a_family_without_a_predictor_is_refused(store, versions, tmp_path):
    manifest = store.artifacts.manifest(versions["full"].bundle_digest)
    paths = {}
    for file in manifest.files:
        paths[file.path] = tmp_path / "other" / file.path
        store.artifacts.fetch_file(file, paths[file.path])
    info = json.loads(paths["bundle.json"].read_bytes())
    paths["bundle.json"].write_bytes(canonical_json({**info, "family": "ocean"}))
    other = store.artifacts.store(kind="bundle/v1", files=paths, meta={}, parents=[])
    with pytest.raises(IntegrityError, match="of the family 'ocean'; predictors are installed for: "):
        store.loader.load(dataclasses.replace(versions["full"], bundle_digest=other.digest))


def test_a_predictor_of_an_unknown_interface_is_refused(store, versions, monkeypatch):
    monkeypatch.setattr(SeriesPredictor, "interface", "smells")
    with pytest.raises(IntegrityError, match="'series' has the interface 'smells'; this server knows: series, text"):
        store.loader.load(versions["full"])


def test_the_cache_saves_the_way_to_the_store_and_is_not_trusted(store, versions):
    version = versions["full"]
    store.loader.load(version)
    shutil.rmtree(store.root / "objects" / "blobs")
    store.loader.load(version)
    cached = store.cache_dir / version.bundle_digest / "model.safetensors"
    data = bytearray(cached.read_bytes())
    data[-1] ^= 1
    cached.write_bytes(data)
    with pytest.raises(IntegrityError, match=r"model.safetensors: the file .* is missing in the object store"):
        store.loader.load(version)


def test_a_damaged_cache_mends_itself(store, versions):
    version = versions["full"]
    store.loader.load(version)
    (store.cache_dir / version.bundle_digest / "model.safetensors").write_bytes(b"short")
    store.loader.load(version)


def test_a_file_that_the_manifest_does_not_list_is_removed(store, versions):
    version = versions["full"]
    store.loader.load(version)
    stranger = store.cache_dir / version.bundle_digest / "added_tokens.json"
    stranger.write_text('{"<new>": 5000}')
    store.loader.load(version)
    assert not stranger.exists()
    assert not list(store.cache_dir.glob(".partial-*"))

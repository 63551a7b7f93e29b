"""Checkpoints of an imported tree, into the real object store and back."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.connected.registry.world import World
from tests.support.histories import FIRST, SECOND, info, write_tree
from upwell.cli.history_import import ImportReport, import_tree
from upwell.client import Upwell
from upwell.client.checkpoint_upload import store_checkpoint
from upwell.errors import UpwellClientError

pytestmark = pytest.mark.connected


def test_a_checkpoint_is_stored_once_and_comes_back_without_its_pickle(world: World, tmp_path: Path) -> None:
    weights, words = b"weights" * 1000, "词".encode()
    final = {"model.safetensors": weights, "tokenizer/vocab.txt": words, "a.pt": b"pickle"}
    files = {f"存/final/{name}": content for name, content in final.items()}
    file = info("存", [FIRST], final_checkpoint="final")
    tree = write_tree(tmp_path / "tree", {"存/training_info.json": file, **files})

    async def take(upwell: Upwell) -> ImportReport:
        return await import_tree(upwell, tree, store=partial(store_checkpoint, upwell))

    first, second = world.ask(take), world.ask(take)
    assert (first.new_versions, second.new_versions) == (1, 0)
    assert not any(each.checkpoint_missing for report in (first, second) for each in report.files.values())
    history = world.ask(lambda upwell: upwell.history.history("存@1"))
    stored = world.ask(lambda upwell: upwell.registry.dataset("存-checkpoint@1"))
    assert history.checkpoint_digest == stored.ref.manifest_digest

    out = tmp_path / "out"
    world.ask(lambda upwell: upwell.artifacts.pull(out, dataset="存-checkpoint"))
    pulled = {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert pulled == {"model.safetensors": weights, "tokenizer/vocab.txt": words}


def test_a_version_without_a_bundle_is_not_promoted(world: World, tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", {"bare/training_info.json": info("bare", [SECOND])})
    world.ask(lambda upwell: import_tree(upwell, tree))
    with pytest.raises(UpwellClientError, match="imported without a bundle"):
        world.ask(lambda upwell: upwell.registry.promote("bare", version=1))
    with pytest.raises(UpwellClientError, match="has no files"):
        world.ask(lambda upwell: upwell.artifacts.pull(tmp_path / "out", model="bare@1"))

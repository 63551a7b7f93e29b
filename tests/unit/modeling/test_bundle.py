from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from shared.errors import IntegrityError
from shared.modeling.bases import load_base
from shared.modeling.bundle import check_base, read_info, save_bundle, tokenizer_digest
from shared.modeling.lora import LoraSpec, add_adapters, parse_lora
from shared.modeling.series.network import SeriesLM
from shared.modeling.series.predictor import load
from shared.modeling.series.storage import save_network
from tests.modeling.samples import SMALL, info


@pytest.fixture(scope="module")
def saved(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained bundle of each method: `full` and `lora`."""
    folder = tmp_path_factory.mktemp("bundles")
    for method in ("full", "lora"):
        base = load_base(tiny_base)
        if method == "lora":
            add_adapters(base.decoder, LoraSpec(rank=4, alpha=8))
        save_network(folder / method, info(tiny_base, method=method), SeriesLM(base.decoder, SMALL), base.tokenizer)
    return folder


@pytest.fixture
def full(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved / "full", tmp_path / "full"))


@pytest.fixture
def lora(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved / "lora", tmp_path / "lora"))


def test_a_full_bundle_needs_no_base_and_an_adapter_its_own(full: Path, lora: Path, tiny_base: Path):
    assert load(full, None, "cpu").labels == ("drift", "spike")
    assert load(lora, tiny_base, "cpu").dtype == "float32"


def test_bundle_json_says_what_the_bundle_is(lora: Path, tiny_base: Path):
    found = read_info(lora)
    assert found == info(tiny_base, method="lora", spec=SMALL)
    assert found.labels == ("drift", "spike")
    assert parse_lora(found.lora) == LoraSpec(rank=4, alpha=8)


def test_saving_twice_gives_the_same_bytes(full: Path, tmp_path: Path, tiny_base: Path):
    base = load_base(tiny_base)
    network = SeriesLM(base.decoder, SMALL)
    for name in ("1", "2"):
        save_network(tmp_path / name, info(tiny_base), network, base.tokenizer)
    for path in (tmp_path / "1").iterdir():
        assert path.read_bytes() == (tmp_path / "2" / path.name).read_bytes(), path.name


def test_loading_leaves_the_callers_random_state_alone(full: Path):
    torch.manual_seed(3)
    wanted = torch.rand(3)
    torch.manual_seed(3)
    load(full, None, "cpu")
    assert torch.equal(torch.rand(3), wanted)


@pytest.mark.parametrize("name", ["bundle.json", "model.safetensors", "config.json", "tokenizer.json"])
def test_a_full_bundle_lacking_a_file_is_refused(full: Path, name: str):
    (full / name).unlink()
    with pytest.raises(IntegrityError, match=f"has no file {name}"):
        load(full, None, "cpu")


@pytest.mark.parametrize("name", ["adapter.safetensors", "heads.safetensors"])
def test_an_adapter_lacking_a_file_is_refused(lora: Path, tiny_base: Path, name: str):
    (lora / name).unlink()
    with pytest.raises(IntegrityError, match=f"has no file {name}"):
        load(lora, tiny_base, "cpu")


@pytest.mark.parametrize("name", ["bundle.json", "model.safetensors", "config.json", "tokenizer.json"])
def test_a_truncated_file_is_refused(full: Path, name: str):
    path = full / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(IntegrityError, match=r"damaged|cannot be loaded"):
        load(full, None, "cpu")


def _rename(folder: Path, file: str, old: str, new: str) -> None:
    tensors = load_file(folder / file)
    tensors[new] = tensors.pop(old)
    save_file(tensors, folder / file)


def _reshape(folder: Path, file: str, name: str) -> None:
    tensors = load_file(folder / file)
    save_file({**tensors, name: tensors[name][:-1].clone()}, folder / file)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda f: _rename(f, "heads.safetensors", "head.mlp.0.bias", "head.mlp.0.sub"), "lacks .*head.mlp.0.bias"),
        (lambda f: _reshape(f, "heads.safetensors", "head.mlp.2.bias"), "head.mlp.2.bias has the shape"),
        (
            lambda f: _reshape(f, "adapter.safetensors", "decoder.layers.0.mlp.up_proj.lora_A.default.weight"),
            "lora_A.default.weight has the shape",
        ),
    ],
    ids=["another name", "another head", "another rank"],
)
def test_tensors_that_do_not_fit_are_refused(lora: Path, tiny_base: Path, spoil: Callable[[Path], None], reason: str):
    spoil(lora)
    with pytest.raises(IntegrityError, match=reason):
        load(lora, tiny_base, "cpu")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"schema": "upwell.bundle/v9"}, "schema 'upwell.bundle/v9'; this release reads 'upwell.bundle/v1'"),
        ({"method": "pickle"}, "method is 'pickle'"),
        ({"extra": 1}, "has the fields"),
        ({"base": {"name": "tiny-qwen"}}, "does not name its base"),
        ({"spec": {"window": 64}}, "spec has the fields"),
    ],
)
def test_bundle_json_is_read_strictly(full: Path, changes, reason: str):
    body = json.loads((full / "bundle.json").read_text())
    (full / "bundle.json").write_text(json.dumps({**body, **changes}))
    with pytest.raises(IntegrityError, match=reason):
        load(full, None, "cpu")


@pytest.mark.parametrize(
    "lora_body",
    [
        {"rank": 4, "alpha": 8},
        {"rank": 0, "alpha": 8, "targets": "all-linear"},
        {"rank": "4", "alpha": 8, "targets": "all-linear"},
        {"rank": 4, "alpha": 8, "targets": "all-linear", "auto_mapping": {"parent_library": "os"}},
        {"rank": 4, "alpha": 8, "targets": "every layer"},
    ],
)
def test_the_adapters_shape_is_read_strictly(lora_body):
    with pytest.raises(IntegrityError, match="lora"):
        parse_lora(lora_body)


def test_a_config_that_asks_for_code_is_refused(full: Path):
    config = json.loads((full / "config.json").read_text())
    (full / "own.py").write_text("raise SystemExit('ran')")
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.Config", "AutoModel": "own.Model"}}
    (full / "config.json").write_text(json.dumps(config))
    with pytest.raises(IntegrityError, match=r"config\.json describes no language model"):
        load(full, None, "cpu")


def test_the_tokenizers_digest_covers_its_chat_template(full: Path, tiny_base: Path):
    before = tokenizer_digest(full)
    template = full / "chat_template.jinja"
    template.write_text(template.read_text() + " ")
    assert tokenizer_digest(full) != before


def test_the_tokenizers_digest_covers_a_model_that_is_no_text(full: Path):
    before = tokenizer_digest(full)
    (full / "tokenizer.model").write_bytes(b"\x0a\xff\xfe")
    with_it = tokenizer_digest(full)
    (full / "tokenizer.model").write_bytes(b"\x0a\xff\xff")
    assert len({before, with_it, tokenizer_digest(full)}) == 3


def test_a_bundle_may_stand_on_no_base_and_read_no_text(tiny_base: Path, tmp_path: Path):
    said = replace(info(tiny_base), base=None)
    save_bundle(tmp_path, said, tensors={"model.safetensors": {"weight": torch.ones(2)}}, tokenizer=None)
    assert (read_info(tmp_path), tokenizer_digest(tmp_path)) == (said, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle.json", "model.safetensors"]
    with pytest.raises(IntegrityError, match="stands on no base"):
        check_base(said, tiny_base)


@pytest.mark.parametrize("method", ["lora", "frozen"])
def test_what_was_trained_beside_a_base_names_it(tiny_base: Path, tmp_path: Path, method: str):
    save_bundle(tmp_path, replace(info(tiny_base, method=method), base=None), tensors={}, tokenizer=None)
    with pytest.raises(IntegrityError, match=f"method is '{method}', and bundle.json names no base"):
        read_info(tmp_path)

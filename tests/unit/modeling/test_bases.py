from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from shared.errors import IntegrityError, InvalidInputError
from shared.modeling.bases import base_files, build_base, content_digest, load_base


@pytest.fixture
def copy(tmp_path: Path, tiny_base: Path) -> Path:
    return Path(shutil.copytree(tiny_base, tmp_path / "copy"))


def test_building_twice_gives_the_same_bytes(tmp_path: Path, tiny_base: Path):
    build_base("tiny-qwen", tmp_path / "again")
    assert content_digest(tmp_path / "again") == content_digest(tiny_base)


def test_it_is_a_small_qwen2_in_hugging_face_layout(tiny_base: Path):
    base = load_base(tiny_base)
    config = base.model.config
    assert type(base.model).__name__ == "Qwen2ForCausalLM"
    assert (config.hidden_size, config.num_hidden_layers) == (128, 4)
    assert not base.model.training
    assert len(base.tokenizer) == config.vocab_size <= 4096
    assert {path.stat().st_mode & 0o777 for path in tiny_base.iterdir()} == {0o644}
    assert "transformers_version" not in json.loads((tiny_base / "config.json").read_text())


@pytest.mark.parametrize(
    "text", ["mean -1.25e+03 scale 4.00e-07 values: ", "压力缓慢上升，第三个。", "naïve 🙂 <ts> {x}\n\t", "ελληνικά"]
)
def test_any_text_comes_back_from_its_tokens(tiny_base: Path, text: str):
    tokenizer = load_base(tiny_base).tokenizer
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_digits_are_tokens_of_their_own(tiny_base: Path):
    assert load_base(tiny_base).tokenizer.tokenize("120.75") == ["1", "2", "0", ".", "7", "5"]


def test_the_chat_template_renders_turns(tiny_base: Path):
    text = load_base(tiny_base).tokenizer.apply_chat_template(
        [{"role": "user", "content": "Hi"}], tokenize=False, add_generation_prompt=True
    )
    assert text == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"


def test_loading_can_take_another_dtype(tiny_base: Path):
    assert load_base(tiny_base, dtype=torch.bfloat16).model.dtype == torch.bfloat16


def test_an_unknown_built_in_base_is_refused(tmp_path: Path):
    with pytest.raises(InvalidInputError, match="no base 'huge-qwen' is built in; there is: smollm2-135m, tiny-qwen"):
        build_base("huge-qwen", tmp_path)


def _without(name: str):
    return lambda folder: (folder / name).unlink()


def _pickled_only(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_without("config.json"), "has no config.json"),
        (_without("model.safetensors"), "has no weights; save the model as safetensors"),
        (_without("tokenizer.json"), "has no tokenizer"),
        (_pickled_only, r"only pickled weights \(pytorch_model.bin\), which are never loaded"),
    ],
)
def test_a_folder_that_is_no_base_is_refused_with_the_reason(copy: Path, spoil, reason: str):
    spoil(copy)
    with pytest.raises(InvalidInputError, match=reason) as caught:
        load_base(copy)
    assert [violation.field for violation in caught.value.violations] == ["base"]


def _cut_weights(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])


def _other_shape(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "intermediate_size": 512}))


def _more_layers(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    layers = {"num_hidden_layers": 5, "layer_types": ["full_attention"] * 5}
    (folder / "config.json").write_text(json.dumps({**config, **layers}))


def _broken(name: str):
    return lambda folder: (folder / name).write_text("{")


def _remote_code(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(
        json.dumps({**config, "model_type": "own", "auto_map": {"AutoModelForCausalLM": "own.Model"}})
    )
    (folder / "own.py").write_text("raise SystemExit('ran')")


@pytest.mark.parametrize(
    "spoil", [_cut_weights, _other_shape, _more_layers, _broken("config.json"), _broken("tokenizer.json"), _remote_code]
)
def test_a_damaged_base_is_refused(copy: Path, spoil):
    spoil(copy)
    with pytest.raises(IntegrityError, match="copy"):
        load_base(copy)


def test_only_files_that_matter_are_listed_and_digested(copy: Path, tiny_base: Path):
    (copy / "README.md").write_text("hello")
    (copy / "pytorch_model.bin").write_bytes(b"pickle")
    (copy / "own.py").write_text("raise SystemExit('ran')")
    assert base_files(copy).keys() == base_files(tiny_base).keys()
    assert content_digest(copy) == content_digest(tiny_base)
    (copy / "tokenizer_config.json").write_text("{}")
    assert content_digest(copy) != content_digest(tiny_base)


def test_a_text_is_opened_by_what_begins_one_or_else_by_what_ends_one(copy: Path):
    base = load_base(copy)
    tokenizer = base.tokenizer
    assert tokenizer.bos_token_id is None
    assert base.opening_id == tokenizer.eos_token_id
    tokenizer.bos_token = "a"
    assert base.opening_id == tokenizer.convert_tokens_to_ids("a") != tokenizer.eos_token_id
    tokenizer.bos_token = tokenizer.eos_token = None
    with pytest.raises(InvalidInputError, match="the tokenizer of 'copy' has no token that begins or ends"):
        _ = base.opening_id

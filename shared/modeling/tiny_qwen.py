"""The built-in base `tiny-qwen`: the real Qwen2 architecture, small, with random weights and its own tokenizer."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from shared.modeling.corpus import corpus
from shared.modeling.quiet import no_progress_bars

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

SEED = 20_261_121
VOCABULARY = 4096
END_OF_TEXT, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"

# Qwen's rule for words: digits stand alone, so that a number's places are always tokens of their own.
WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)

RESIDUAL_OUTPUTS = ("o_proj.weight", "down_proj.weight")

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def build(folder: Path) -> None:
    """Write the base into the folder in Hugging Face layout, byte for byte the same every time."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = train_tokenizer()
    tokenizer.save_pretrained(folder)
    model = Qwen2ForCausalLM(_config(tokenizer))
    fill(model, seed=SEED)
    with no_progress_bars():
        model.save_pretrained(folder)
    # The library's version is no part of the model: without it a new release gives the same digest.
    for name in ("config.json", "generation_config.json"):
        _drop_key(folder / name, "transformers_version")
    for path in folder.iterdir():
        path.chmod(0o644)


def train_tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer: any text round-trips, whatever the corpus did not hold."""
    bpe = Tokenizer(models.BPE())
    bpe.normalizer = normalizers.NFC()
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        show_progress=False,
        special_tokens=[END_OF_TEXT, TURN_START, TURN_END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    bpe.train_from_iterator(corpus(), trainer)
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=bpe, eos_token=TURN_END, pad_token=END_OF_TEXT, chat_template=CHAT_TEMPLATE
    )


def fill(model: PreTrainedModel, *, seed: int) -> None:
    """Give every parameter its initial value from numpy's generator.

    torch's own generator vectorises differently from one processor to the next; numpy's does not.
    """
    generator = np.random.default_rng(seed)
    for name, parameter in sorted(model.named_parameters()):
        if name.endswith("bias"):
            torch.nn.init.zeros_(parameter)
        elif parameter.ndim == 1:
            torch.nn.init.ones_(parameter)
        else:
            drawn = generator.standard_normal(parameter.shape, dtype=np.float32)
            parameter.data.copy_(torch.from_numpy(drawn * np.float32(_spread(name, parameter, model.config))))


def _spread(name: str, parameter: torch.Tensor, config: PreTrainedConfig) -> float:
    """Standard deviation of a matrix's initial values: unit variance through the layer, which keeps features apart.

    What the layers add to the residual stream starts small beside the embeddings in it, all layers together: in a
    random network it would drown them, and training would first have to undo that.
    """
    unit = 1 / math.sqrt(parameter.shape[1])
    if not name.endswith(RESIDUAL_OUTPUTS):
        return unit
    embedding = 1 / math.sqrt(config.hidden_size)
    return unit * embedding / math.sqrt(2 * config.num_hidden_layers)


def _config(tokenizer: PreTrainedTokenizerFast) -> Qwen2Config:
    return Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        dtype="float32",
    )


def _drop_key(path: Path, key: str) -> None:
    body = json.loads(path.read_text())
    body.pop(key, None)
    path.write_text(json.dumps(body, indent=2, sort_keys=True) + "\n")

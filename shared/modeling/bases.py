"""Bases: the pretrained (or built-in, random) causal language models that families are trained on top of."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

from shared.contracts.canonical import digest_of
from shared.errors import IntegrityError, InvalidInputError
from shared.modeling.built_in import find_built_in
from shared.modeling.quiet import no_progress_bars

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

# The files of a Hugging Face folder that decide what a model computes. Pickled weights, code and readmes are not
# among them: they are neither loaded nor stored.
CONFIG = "config.json"
TOKENIZER_FILES = (
    "added_tokens.json",
    "chat_template.jinja",
    "merges.txt",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
)
VOCABULARY_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json")
WEIGHT_PATTERNS = ("*.safetensors", "*.safetensors.index.json")
PICKLED_PATTERNS = ("*.bin", "*.pt", "*.pth", "*.ckpt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A loaded base: its tokenizer, and its causal language model in eval mode."""

    folder: Path
    tokenizer: PreTrainedTokenizerBase
    model: PreTrainedModel

    @property
    def decoder(self) -> PreTrainedModel:
        """The model without its vocabulary head: embeddings in, hidden states out."""
        return cast("PreTrainedModel", self.model.base_model)

    @property
    def opening_id(self) -> int:
        """The token that stands before embeddings which open a sequence: what begins a text, or else what ends one.

        Pretrained decoders make the first position an attention sink, whatever stands there: its hidden state hardly
        says what went in (Xiao et al., "Efficient Streaming Language Models with Attention Sinks", ICLR 2024; Sun et
        al., "Massive Activations in Large Language Models", COLM 2024). An embedding that has something to say must
        not be the first.

        Raises:
            InvalidInputError: the tokenizer has neither token.
        """
        for found in (self.tokenizer.bos_token_id, self.tokenizer.eos_token_id):
            if found is not None:
                return int(found)
        reason = f"the tokenizer of {self.folder.name!r} has no token that begins or ends a text; give it one of them"
        raise InvalidInputError.of("base", reason)


def build_base(name: str, folder: Path) -> None:
    """Make a built-in base in a folder: the same bytes every time.

    Raises:
        InvalidInputError: no base of that name is built in, or what it is made of is not installed.
    """
    find_built_in(name).build(folder)


def base_files(folder: Path) -> dict[str, Path]:
    """The files of a base by their path in it: what is stored, hashed and loaded.

    Raises:
        InvalidInputError: the folder is no causal language model in Hugging Face layout.
    """
    patterns = (CONFIG, *TOKENIZER_FILES, *WEIGHT_PATTERNS)
    files = {path.name: path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    _check_complete(folder, files)
    return dict(sorted(files.items()))


def content_digest(folder: Path) -> str:
    """One digest over the bytes of all files of a base, whatever manifest names them."""
    return digest_of({path: _sha256_of_file(file) for path, file in base_files(folder).items()})


def load_base(folder: Path, *, dtype: torch.dtype = torch.float32, quantised: torch.device | None = None) -> Base:
    """Load any causal language model in Hugging Face layout, from local files only and without running its code.

    Args:
        folder: where it lies.
        dtype: of its weights.
        quantised: a CUDA device to load its linear layers on, in 4 bits (NF4); None loads it as it is, on the CPU.

    Raises:
        InvalidInputError: the folder is not such a model, or its weights are pickled.
        IntegrityError: its files are there but cannot be read as what they claim to be.
    """
    base_files(folder)
    try:
        with no_progress_bars():
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                folder,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                dtype=dtype,
                output_loading_info=True,
                **({"quantization_config": _four_bits(), "device_map": quantised} if quantised else {}),
            )
    # transformers, tokenizers and safetensors raise errors of many unrelated classes for a damaged file.
    except Exception as error:
        raise IntegrityError(f"The base in {folder.name!r} cannot be loaded: {_first_line(error)}") from error
    model, report = loaded
    _check_weights(folder, report)
    return Base(folder=folder, tokenizer=tokenizer, model=model.eval())


def _four_bits() -> BitsAndBytesConfig:
    """As QLoRA (Dettmers et al., 2023) has it."""
    return BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


def _check_complete(folder: Path, files: Mapping[str, Path]) -> None:
    where = f"the folder {folder.name!r} is not a base"
    if CONFIG not in files:
        raise InvalidInputError.of("base", f"{where}: it has no {CONFIG}; give a folder in Hugging Face layout")
    if not any(name.endswith(".safetensors") for name in files):
        pickled = sorted(path.name for pattern in PICKLED_PATTERNS for path in folder.glob(pattern))
        found = f"only pickled weights ({', '.join(pickled)}), which are never loaded" if pickled else "no weights"
        raise InvalidInputError.of("base", f"{where}: it has {found}; save the model as safetensors")
    if not any(name in files for name in VOCABULARY_FILES):
        raise InvalidInputError.of("base", f"{where}: it has no tokenizer; add one of {', '.join(VOCABULARY_FILES)}")


def _check_weights(folder: Path, report: Mapping[str, Any]) -> None:
    """Refuse what transformers only warns of: it fills absent weights with random ones."""
    missing, mismatched = report.get("missing_keys"), report.get("mismatched_keys")
    if missing or mismatched:
        examples = ", ".join(sorted(str(key) for key in [*(missing or ()), *(mismatched or ())])[:3])
        raise IntegrityError(f"The weights of the base in {folder.name!r} do not fit its {CONFIG}: {examples}")


def _sha256_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

